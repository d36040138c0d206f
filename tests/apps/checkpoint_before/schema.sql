create table stays (
    file text not null,
    stay_id integer not null,
    patient_ssn text not null,
    ward text not null,
    hours numeric not null
);
create table load_batches (file text not null, first_row integer not null, row_count integer not null);
create table load_position (file text primary key, next_row integer not null);

create table load_tokens (token text not null);

-- what an earlier file has left: a rollback of today's must not touch it
insert into stays values ('data/yesterday.csv', 1, '900-00-0001', 'Cardiology', 12.5), ('data/yesterday.csv', 2, '900-00-0002', 'Surgery', 30);
insert into load_batches values ('data/yesterday.csv', 0, 2);
insert into load_position values ('data/yesterday.csv', 2);
