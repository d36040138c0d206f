create table visits (visit_id bigint not null, ward text not null, starts_at timestamp not null);
create table loads (file text not null, visits integer not null);
