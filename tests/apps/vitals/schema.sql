create table readings (
    reading_id bigint not null,
    source text not null,
    bed text not null,
    pulse integer not null,
    taken_over_at timestamptz not null default now()
);
create table cursors (source text primary key, page integer not null, read integer not null);

insert into readings (reading_id, source, bed, pulse) values (1, 'paper', 'B1', 71), (2, 'paper', 'B2', 88);
insert into cursors values ('paper', 1, 2), ('monitors', 0, 0);
