create schema raw; create table raw.icustays (stay_id bigint primary key, loaded_at timestamptz);
