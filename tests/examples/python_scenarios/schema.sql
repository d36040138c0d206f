create table stays (id int primary key);
