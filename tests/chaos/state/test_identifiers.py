"""What tells who a patient is, is found by its column's name or by its form, and nothing else is."""

from __future__ import annotations

from pytest_resilience.chaos.state.identifiers import MOST, read_identifiers

TABLES = """
    create schema raw;
    create table raw.stays (id int, patient_ssn text, careunit text, note varchar(40), "First_Name" text, born date);
    insert into raw.stays values
        (1, '123-45-6789', 'Medical Intensive Care', 'see 123-45-6789', 'Wilhelmine', '1980-01-02'),
        (2, null, 'Cardiac Intensive Care', '987-65-4321', 'Ana', null);
    create table "100 % {}" ("ssn" text); insert into "100 % {}" values ('000-00-0000');
    create view raw.names as select "First_Name" as full_name from raw.stays;
"""


def test_numbers_and_names_are_found(database, run):
    """Once each; names that are short stand in other words, too."""
    run(database, TABLES)

    assert read_identifiers(database) == {
        "value 1 of public.100 % {}.ssn": "000-00-0000",
        "value 1 of raw.stays.First_Name": "Wilhelmine",
        "value 1 of raw.stays.note": "987-65-4321",
        "value 1 of raw.stays.patient_ssn": "123-45-6789",
    }


def test_documents_are_looked_into(database, run):
    """At any depth; a member's name tells what a column's does."""
    run(
        database,
        """
        create table jobs (payload jsonb, body json, other json);
        insert into jobs values
            ('{"ssn": "219-09-9001", "who": {"firstName": "Wilhelmine", "ward": "Intensive Care"}}',
             '[1, {"note": "987-65-4321"}, "123-45-6789", null]', '"000-00-0000"'),
            ('{"patient_name": "Ana"}', '{"full_name": {"last_name": "Okonkwo-Bauer"}, "first_name": 7}', null),
            ('[]', '{"ssn": "cut off by \\u0000 here"}', '{}');
        """,
    )

    assert read_identifiers(database) == {
        "value 1 of public.jobs.body": "123-45-6789",
        "value 2 of public.jobs.body": "987-65-4321",
        "value 3 of public.jobs.body": "Okonkwo-Bauer",
        "value 1 of public.jobs.other": "000-00-0000",
        "value 1 of public.jobs.payload": "219-09-9001",
        "value 2 of public.jobs.payload": "Wilhelmine",
    }


def test_some_of_many_are_enough(database, run):
    """A log that holds one of a column's values holds others."""
    run(
        database,
        "create table p (ssn text); insert into p select n || '-45-6789' from generate_series(100, 999) n",
    )

    assert len(read_identifiers(database)) == MOST
