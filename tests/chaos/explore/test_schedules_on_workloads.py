"""Schedules on real workloads: a bug of two faults is found, made small and kept as a file; sound code survives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.explore.probe import fault_order
from pytest_resilience.chaos.explore.schedules.place import Place
from pytest_resilience.chaos.explore.schedules.search import search
from pytest_resilience.chaos.explore.schedules.stroke import Schedule, Stroke
from pytest_resilience.chaos.explore.schedules.trial import TriedSchedule, try_schedule
from pytest_resilience.chaos.laboratory.laboratory import Laboratory, RunAbortedError
from pytest_resilience.chaos.laboratory.scenario_trial import try_scenario
from pytest_resilience.chaos.scenario.files import read_scenarios
from pytest_resilience.chaos.scenario.model import When
from pytest_resilience.checklist.experiments.found_file import found_file
from pytest_resilience.checklist.experiments.schedule import Schedules, schedules
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder

INGEST = '''
"""Insert batches; where one failed, look whether it is there before it is sent again."""
import os, sys
import psycopg2

def connect():
    return psycopg2.connect(os.environ["DATABASE_URL"])

def insert(connection, batch):
    with connection.cursor() as cursor:
        cursor.execute("insert into batches select %s, n from generate_series(1, 3) as n", (batch,))
    connection.commit()

def is_there(batch):
    try:
        connection = connect()
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from batches where batch = %s", (batch,))
            found = cursor.fetchone()[0] > 0
        connection.close()
        return found
    except psycopg2.Error:
        return {otherwise}

def again(action):
    for _ in range(6):
        try:
            return action()
        except psycopg2.Error:
            pass
    sys.exit("gave up")

def ingest(batch):
    global connection
    for _ in range(6):
        try:
            return insert(connection, batch)
        except psycopg2.Error:
            connection.close()
            done = is_there(batch)
            connection = again(connect)
            if done:
                return
    sys.exit("gave up")

connection = again(connect)
for batch in range(2):
    ingest(batch)
connection.close()
'''
TOML = """
[services.warehouse]
kind = "postgres"
env = { DATABASE_URL = "{dsn}" }
init = ["schema.sql"]
"""
WORKLOAD = """
[workloads.{name}]
command = ["{{python}}", "{name}.py"]
uses = ["warehouse"]
deadline = 30
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small application, twice: it takes an unanswered look for a no, or looks again."""
    folder = tmp_path_factory.mktemp("batches")
    (folder / "schema.sql").write_text("create table batches (batch int, n int);")
    (folder / "fragile.py").write_text(INGEST.replace("{otherwise}", "False"))
    (folder / "sound.py").write_text(INGEST.replace("{otherwise}", "is_there(batch)"))
    workloads = (WORKLOAD.format(name=name) for name in ("fragile", "sound"))
    (folder / "resilience.toml").write_text(TOML + "".join(workloads))
    return folder


@pytest.fixture(scope="module")
def laboratory(folder: Path, pool: ServicePool) -> Iterator[Laboratory]:
    """Where the runs are made."""
    made = Laboratory(read_configuration(folder), pool, RunFolder.make(), seed=1)
    yield made
    made.close()


def stroke(name: str, when: When) -> Stroke:
    """A fault on the database."""
    return Stroke(Place(service="warehouse", protocol="postgres", when=when), name)


LOST_COMMIT = stroke("lost-reply", When(message="COMMIT", side="reply"))
NO_LOOK = stroke("cut", When(sql=".", nth=2, connection=2))
NEVER = stroke("cut", When(message="TRUNCATE"))
PLANTED: Schedule = (LOST_COMMIT, NO_LOOK)


def test_planted_bug_needs_both_faults(laboratory: Laboratory) -> None:
    """One alone is survived, and the sound twin survives both; a fault that never fires changes nothing."""
    alone = [try_schedule(laboratory, "fragile", (each,)) for each in PLANTED]
    both = try_schedule(laboratory, "fragile", (NEVER, *PLANTED))
    sound = try_schedule(laboratory, "sound", PLANTED)

    assert [trial.failed for trial in alone] == [False, False]
    assert [alone[0].unproven, alone[1].unproven is not None] == [None, True]
    assert (both.failed, both.fired) == (True, PLANTED)
    assert (sound.failed, sound.unproven, sound.fired) == (False, None, PLANTED)


def test_planted_bug_is_found_and_shrunk_to_two_faults(laboratory: Laboratory) -> None:
    """In at most 200 runs; and it happens again."""
    told: list[TriedSchedule] = []
    result = search(laboratory, "fragile", 200, seed=2, on_run=lambda _, trial: told.append(trial))

    assert result.found is not None
    assert len(result.found.schedule) == 2
    assert result.found.again
    assert "3 rows doubled" in "; ".join(result.found.trial.finding.wrongs)
    assert len(told) == result.tried + result.shrinking <= 200


def test_sound_twin_survives(laboratory: Laboratory) -> None:
    """Every schedule says something, and nothing is found."""
    result = search(laboratory, "sound", 8, seed=1)

    assert (result.tried, result.hit, result.found, result.unproven) == (8, 8, None, None)


def test_search_stops_when_it_is_asked_to(laboratory: Laboratory) -> None:
    """What is known so far is kept."""
    told: list[int] = []
    result = search(
        laboratory,
        "sound",
        8,
        seed=1,
        on_run=lambda number, _: told.append(number),
        stop=lambda: len(told) == 2,
    )

    assert told == [1, 2]
    assert (result.tried, result.stopped) == (2, True)


def test_aborted_search_says_so(folder: Path, pool: ServicePool) -> None:
    """Ctrl-C is no finding, and nothing is made small."""
    laboratory = Laboratory(read_configuration(folder), pool, RunFolder.make(), seed=1)
    told: list[int] = []

    def abort(number: int, _: TriedSchedule) -> None:
        told.append(number)
        laboratory.abort()

    with pytest.raises(RunAbortedError):
        search(laboratory, "fragile", 8, seed=1, on_run=abort)

    assert told == [1]


def test_search_refuses_nonsense(laboratory: Laboratory) -> None:
    """Before anything is run."""
    with pytest.raises(ValueError, match="runs is 0"):
        search(laboratory, "sound", 0, seed=1)


def test_file_is_red_for_the_fragile_and_green_for_the_sound(laboratory: Laboratory, tmp_path: Path) -> None:
    """It reads back as a scenario, and mending the code is all that it asks for."""
    trial = try_schedule(laboratory, "fragile", PLANTED)
    orders = [each.order for each in PLANTED]
    found = found_file(laboratory, "fragile", orders, "fragile: both", trial.finding)
    assert found is not None
    (tmp_path / "fragile.yaml").write_text(found.text)
    (tmp_path / "sound.yaml").write_text(found.text.replace("workload: fragile", "workload: sound"))
    scenarios = read_scenarios(tmp_path, laboratory.configuration)
    verdicts = {
        scenario.workload: try_scenario(laboratory, scenario, replay="").verdict.word
        for scenario in scenarios
    }

    assert verdicts == {"fragile": "failed", "sound": "passed"}


def test_experiments_share_the_schedules_between_them(laboratory: Laboratory) -> None:
    """Each has its own draws; how many there are depends on the number of schedules alone."""
    parts = schedules(laboratory, "sound", 60)

    assert [part.id for part in parts] == [
        f"transactions::sound::warehouse::schedules-{number}-of-3" for number in (1, 2, 3)
    ]
    assert len({part.seed for part in parts}) == 3
    assert parts[0].seed == schedules(laboratory, "sound", 60)[0].seed


def test_experiment_fails_with_what_replays_it(laboratory: Laboratory) -> None:
    """The planted bug, in one part of one."""
    result = Schedules(laboratory, "fragile", 100).run()

    assert result.outcome == "failed"
    assert result.found is not None
    assert "3 rows doubled" in result.why
    assert "--chaos-explore=100 --chaos-seed=1" in result.evidence[0].replay


def test_experiment_of_sound_code_passes(laboratory: Laboratory) -> None:
    """With evidence for its item."""
    result = Schedules(laboratory, "sound", 4).run()

    assert (result.outcome, result.why, result.found) == ("passed", "", None)
    assert [evidence.item for evidence in result.evidence] == ["transactions"]


def test_orders_are_those_of_scenario_files() -> None:
    """A lost reply is a cut on the reply side."""
    assert LOST_COMMIT.order == fault_order(
        "lost-reply", on="warehouse", protocol="postgres", when=When(message="COMMIT", side="reply")
    )
    assert LOST_COMMIT.order.kind == "cut"
