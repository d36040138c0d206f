create table orders (order_id integer primary key, ward text not null, lines integer not null, acknowledged boolean not null default false);
create table order_lines (order_id integer not null, drug text not null, amount integer not null);

insert into orders values (1, 'Surgery', 1, true);
insert into order_lines values (1, 'Heparin', 2);
