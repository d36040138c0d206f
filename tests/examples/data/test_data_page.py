"""The examples of the page about data do what the page says, on a real database."""

from __future__ import annotations

import contextlib
import runpy
from pathlib import Path

import psycopg2
import pytest

from pytest_resilience.services.postgres import start_postgres
from pytest_resilience.services.run_folder import RunFolder

HERE = Path(__file__).parent


def example(name):
    """Return what an example file defines."""
    return runpy.run_path(str(HERE / f"{name}.py"))


@pytest.fixture(scope="module")
def dsn():
    """The address of a database with the tables of the examples."""
    run = RunFolder.make()
    child, server = start_postgres(run)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("create schema raw; create table raw.icustays (stay_id int primary key, unit text)")
        cursor.execute(
            "create table stays (stay_id int, outtime timestamp); insert into stays values (7, null)"
        )
        cursor.execute("create table beds (bed int, stay_id int); insert into beds values (1, 7)")
    yield server.dsn()
    child.stop()
    run.end()


@pytest.fixture
def stays(tmp_path, dsn, monkeypatch):
    """A file of 20 stays, one of them wrong; the database is in the environment, its table is empty."""
    monkeypatch.setenv("DATABASE_URL", dsn)
    with contextlib.closing(psycopg2.connect(dsn)) as connection:
        connection.cursor().execute("truncate raw.icustays")
        connection.commit()
    path = tmp_path / "stays.csv"
    path.write_text("stay_id,unit\n" + "".join(f"{n},MICU\n" for n in range(19)) + "x,MICU\n")
    return path


def test_a_file_is_loaded_once(stays):
    """Called twice, it loads once."""
    load = example("ingest")["load_stays"]

    assert load(stays) == "19 rows are in, 1 were refused, 0 were in before"
    assert load(stays) == "19 rows are in, 1 were refused, 20 were in before"


def test_a_discharge_is_both_or_neither(dsn):
    """Done once, however often it is called."""
    discharge = example("transfer")["discharge"]

    assert discharge(dsn, 7, "2150-03-04 05:06")
    assert discharge(dsn, 7, "2150-03-05 05:06").repeated
    with contextlib.closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select outtime::text, (select stay_id from beds) from stays")
        assert cursor.fetchone() == ("2150-03-04 05:06:00", None)


def test_scores_go_on_where_they_were(tmp_path):
    """What was scored before the failure is not scored again."""
    score_all = example("checkpoints")["score_all"]
    scored = []

    def score(stay):
        if stay == 3 and scored.count(2) == 1 and 3 not in scored:
            scored.append(3)
            raise OSError("the model is away")
        scored.append(stay)
        return stay * 10

    with pytest.raises(OSError, match="away"):
        score_all([1, 2, 3, 4], score, tmp_path)
    assert score_all([1, 2, 3, 4], score, tmp_path) == [10, 20, 30, 40]
    assert scored == [1, 2, 3, 3, 4]


def test_the_nightly_run_is_guarded(stays, dsn, tmp_path, monkeypatch):
    """It loads what there is to load."""
    monkeypatch.setenv("RESILIENCE_OUTBOX", str(tmp_path / "outbox"))
    example("guard")["nightly"]([stays])

    with contextlib.closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from raw.icustays")
        assert cursor.fetchone() == (19,)
