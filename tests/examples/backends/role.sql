create role chaos login createdb password 'change-me';
create database chaos owner chaos;
