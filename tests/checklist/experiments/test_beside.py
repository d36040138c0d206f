"""Every run is looked through for what items 1, 5 and 9 ask of all faults, whatever it was made for."""

from __future__ import annotations

import pytest

from pytest_resilience.chaos.explore.choice import all_probes
from pytest_resilience.checklist.experiments.beside import with_beside
from pytest_resilience.checklist.experiments.single_fault import SingleFault

LOAD = """
    import datetime, json, os, sys
    import psycopg2

    MODE = os.environ["MODE"]
    ROWS = ("Margarethe Schulze", "Okonkwo Adaeze")

    def tell(error):
        record = {
            "timestamp": datetime.datetime.now(datetime.UTC).isoformat(), "level": "ERROR",
            "event": f"could not load rows into warehouse because of SQLSTATE {error.pgcode}; check it, try again",
            "error_type": type(error).__name__, "operation": "load rows", "resource": "warehouse",
            "attempt": 1, "run_id": "r-17",
        }
        print(json.dumps(record), file=sys.stderr)
        sys.exit(1)

    def load(connection):
        with connection, connection.cursor() as cursor:
            for number, name in enumerate(ROWS, 10):
                try:
                    cursor.execute("insert into patients values (%s, %s)", (number, name))
                except psycopg2.Error as error:
                    if MODE == "names":
                        print(f"row {number} of {name} was not loaded", file=sys.stderr)
                    if MODE == "quiet":
                        os._exit(1)
                    raise

    try:
        connection = psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=2)
    except psycopg2.Error as error:
        tell(error)
    try:
        load(connection)
    except psycopg2.Error as error:
        if MODE == "raw":
            raise
        tell(error)
"""
TEAM = """
    [services.warehouse]
    kind = "postgres"
    env = {{ DATABASE_URL = "{{dsn}}" }}
    init = ["schema.sql"]
    [workloads.load]
    command = ["{{python}}", "load.py"]
    uses = ["warehouse"]
    env = {{ MODE = "{mode}" }}
    deadline = 5
"""


@pytest.fixture
def at_second_insert(laboratory_of):
    """Return a function that cuts a mode of the job at its second INSERT, and says what is found for which item."""

    def at_second_insert(mode: str, probe: str = "INSERT-2-request-cut") -> dict[str, str]:
        laboratory = laboratory_of(
            load_py=LOAD,
            schema_sql="create table patients (id integer primary key, patient_name text);",
            resilience_toml=TEAM.format(mode=mode),
        )
        probes = all_probes(laboratory.clean("load").recording.points)
        experiment = SingleFault(
            laboratory, "load", next(each for each in probes if each.id == probe), strict=True
        )
        result = with_beside(experiment, experiment.run(), laboratory)
        assert result.outcome == "passed"  # its rows are as they were: what it was made for
        return {each.item: each.why for each in result.evidence if each.outcome == "failed"}

    return at_second_insert


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ("sound", {}),
        (
            "raw",
            {
                "external-calls": "psycopg2.InterfaceError ended the program with a bare traceback",
                "structured-logs": "the fault left a bare traceback in the log, no record",
                "messages": "the best message tells 1 of 5",
            },
        ),
        ("names", {"messages": "patients.patient_name on warehouse stands in stderr"}),
        (
            "quiet",
            {
                "structured-logs": "the fault left no line in the log",
                "messages": "the fault left no message",
            },
        ),
    ],
)
def test_what_is_wrong_in_a_run_for_other_items_is_told(at_second_insert, mode, found) -> None:
    """Though everything is rolled back, as the run was made to see."""
    told = at_second_insert(mode)

    assert told.keys() == found.keys()
    for item, why in found.items():
        assert why in told[item]


def test_a_killed_process_owes_no_words(at_second_insert) -> None:
    """It had no time for any."""
    assert at_second_insert("quiet", "INSERT-2-request-kill") == {}
