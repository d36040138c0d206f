create table visits (visit_id bigint primary key, ward text not null, starts_at timestamp not null);
create table loads (file text primary key, visits integer not null);
