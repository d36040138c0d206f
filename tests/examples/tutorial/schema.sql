create table stays (stay_id bigint primary key, unit text not null, los double precision not null);
