-- A stay that no file of these runs holds: whoever deletes all rows, where it is to take back its own, deletes this one.
insert into raw.icustays (stay_id, subject_id, hadm_id, first_careunit, last_careunit, intime, outtime, los)
values (29999999, 10000000, 20000000, 'MICU', 'MICU', '2025-12-30 08:00+00', '2025-12-31 20:00+00', 1.5)
on conflict do nothing;
