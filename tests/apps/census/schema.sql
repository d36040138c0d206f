create schema icu;
create table icu.census (day date not null, bed text not null, patient text not null);
create table icu.days (day date primary key, beds integer not null);

-- the old table of the same name, which nobody is to write to any more
create table public.census (day date not null, bed text not null, patient text not null);
create table public.days (day date primary key, beds integer not null);

insert into icu.census values ('2025-12-31', 'B1', 'P-7'), ('2025-12-31', 'B2', 'P-8');
insert into icu.days values ('2025-12-31', 2);
