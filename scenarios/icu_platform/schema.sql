-- The platform's tables. Running this file twice changes nothing.

create schema if not exists raw;
create schema if not exists analytics;

create table if not exists raw.icustays (
    stay_id bigint primary key,
    subject_id bigint not null,
    hadm_id bigint not null,
    first_careunit text not null,
    last_careunit text not null,
    intime timestamptz not null,
    outtime timestamptz not null,
    los double precision not null check (los >= 0),
    loaded_at timestamptz not null default now(),
    check (outtime >= intime)
);

-- One row a stay, ready for a model: icu_platform.prepare fills it from raw.icustays.
create table if not exists analytics.ml_input_master (
    stay_id bigint primary key references raw.icustays,
    first_careunit text not null,
    changed_careunit boolean not null,
    arrived_at_night boolean not null,
    los double precision not null,
    prolonged boolean not null
);

-- One row a transfer; a patient may go to the same unit twice, so nothing here keeps a doubled note out.
create table if not exists analytics.transfers (
    stay_id bigint not null references raw.icustays,
    to_careunit text not null,
    noted_at timestamptz not null default now()
);

create table if not exists raw.breast_cancer (
    sample_id integer primary key,
    mean_radius double precision not null check (mean_radius >= 0),
    mean_texture double precision not null check (mean_texture >= 0),
    mean_perimeter double precision not null check (mean_perimeter >= 0),
    mean_area double precision not null check (mean_area >= 0),
    mean_smoothness double precision not null check (mean_smoothness >= 0),
    mean_compactness double precision not null check (mean_compactness >= 0),
    mean_concavity double precision not null check (mean_concavity >= 0),
    mean_concave_points double precision not null check (mean_concave_points >= 0),
    mean_symmetry double precision not null check (mean_symmetry >= 0),
    mean_fractal_dimension double precision not null check (mean_fractal_dimension >= 0),
    radius_error double precision not null check (radius_error >= 0),
    texture_error double precision not null check (texture_error >= 0),
    perimeter_error double precision not null check (perimeter_error >= 0),
    area_error double precision not null check (area_error >= 0),
    smoothness_error double precision not null check (smoothness_error >= 0),
    compactness_error double precision not null check (compactness_error >= 0),
    concavity_error double precision not null check (concavity_error >= 0),
    concave_points_error double precision not null check (concave_points_error >= 0),
    symmetry_error double precision not null check (symmetry_error >= 0),
    fractal_dimension_error double precision not null check (fractal_dimension_error >= 0),
    worst_radius double precision not null check (worst_radius >= 0),
    worst_texture double precision not null check (worst_texture >= 0),
    worst_perimeter double precision not null check (worst_perimeter >= 0),
    worst_area double precision not null check (worst_area >= 0),
    worst_smoothness double precision not null check (worst_smoothness >= 0),
    worst_compactness double precision not null check (worst_compactness >= 0),
    worst_concavity double precision not null check (worst_concavity >= 0),
    worst_concave_points double precision not null check (worst_concave_points >= 0),
    worst_symmetry double precision not null check (worst_symmetry >= 0),
    worst_fractal_dimension double precision not null check (worst_fractal_dimension >= 0),
    malignant smallint not null check (malignant in (0, 1))
);

create table if not exists raw.diabetes (
    sample_id integer primary key,
    age double precision not null,
    sex double precision not null,
    bmi double precision not null,
    bp double precision not null,
    s1 double precision not null,
    s2 double precision not null,
    s3 double precision not null,
    s4 double precision not null,
    s5 double precision not null,
    s6 double precision not null,
    progression double precision not null
);
