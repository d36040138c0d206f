"""The ingestion agent loads every row into a real database exactly once, whatever the connection does."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from icu_platform import DataIngestionAgent
from icu_platform.data import write_icu_stays
from pytest_resilience import AlertRouter, DatabaseAwayError, FatalError
from pytest_resilience.clock import SystemClock
from pytest_resilience.services.alert_inbox import AlertInbox

STAYS = 500


class HealingClock(SystemClock):
    """Takes no time, and heals a fault when somebody waits, or waits so long at once."""

    def __init__(self, heal=lambda: None, *, at=0.0):
        self.slept = []
        self._heal = heal
        self._at = at

    def sleep(self, seconds):
        """Note the wait, and end the fault."""
        self.slept.append(seconds)
        if seconds >= self._at:
            self._heal()


@pytest.fixture
def stays(tmp_path) -> Path:
    """A file of ICU stays."""
    return write_icu_stays(tmp_path / "icustays.csv", STAYS)


@pytest.fixture
def paged(monkeypatch, tmp_path):
    """What reaches on-call, with an outbox of the test's own."""
    with AlertInbox() as inbox:
        for name, value in inbox.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PAGERDUTY_ROUTING_KEY", "0123456789abcdef" * 2)
        monkeypatch.setenv("RESILIENCE_OUTBOX", str(tmp_path / "outbox.db"))
        yield inbox.pagerduty


def keys_of(path):
    """Return the keys of a file, in order."""
    with path.open(newline="") as file:
        return [int(row["stay_id"]) for row in csv.DictReader(file)]


def loaded(ask):
    """Return the keys in the table, in order."""
    return [key for (key,) in ask("select stay_id from raw.icustays order by stay_id")]


def task(stays):
    """Return the agent's task."""
    return {"source_file": str(stays), "target_table": "raw.icustays"}


def test_an_undisturbed_run_recovers_from_nothing(database, stays, ask):
    """Every row is loaded, and the result does not claim a recovery."""
    result = DataIngestionAgent(database.dsn).execute(task(stays))

    expected = (True, False, STAYS, 1)
    facts = result.metadata
    assert expected == (result.is_success(), facts["recovered_from_error"], facts["rows"], facts["attempts"])
    assert keys_of(stays) == loaded(ask)


def test_a_database_lost_after_some_rows_is_recovered_from(database, stays, ask):
    """The agent waits, reconnects, goes on from the checkpoint, and every row is there exactly once."""
    with database.at(rows=250).cut() as fault:
        clock = HealingClock()
        result = DataIngestionAgent(database.dsn, batch_size=50, clock=clock).execute(task(stays))

    assert fault.fired
    assert result.is_success(), result.error
    facts = result.metadata
    assert facts["recovered_from_error"]
    assert facts["losses"] == 1
    assert 0 < facts["resumed_from"] <= 250
    assert keys_of(stays) == loaded(ask)
    assert clock.slept == [5.0]


def test_a_database_that_is_down_at_first_is_waited_for(database, stays, ask):
    """A refused connection counts as a loss, too."""
    fault = database.down()
    with fault:
        result = DataIngestionAgent(database.dsn, clock=HealingClock(fault.heal)).execute(task(stays))

    assert result.is_success(), result.error
    assert result.metadata["recovered_from_error"]
    assert keys_of(stays) == loaded(ask)


def test_a_database_that_stays_away_is_reported(database, stays):
    """After the longest pause the result says what failed and what to do, and claims no recovery."""
    clock = HealingClock()
    with database.down():
        result = DataIngestionAgent(database.dsn, max_pause=0, clock=clock).execute(task(stays))

    assert not result.is_success()
    assert not result.metadata["recovered_from_error"]
    assert isinstance(result.error, DatabaseAwayError)
    assert clock.slept == [5.0, 1.0, 2.0]


def test_on_call_is_paged_and_the_agent_goes_on_by_itself(database, stays, ask, paged):
    """Three tries in vain page CRITICAL/database; when the database is back the incident is resolved."""
    fault = database.at(rows=250).down()
    with fault:
        clock = HealingClock(fault.heal, at=15.0)
        result = DataIngestionAgent(database.dsn, batch_size=50, clock=clock).execute(task(stays))
    assert AlertRouter().flush(60)

    assert result.is_success(), result.error
    assert result.metadata["recovered_from_error"]
    assert keys_of(stays) == loaded(ask)
    assert clock.slept == [5.0, 1.0, 2.0, 15.0]
    assert [page.body["event_action"] for page in paged] == ["trigger", "resolve"]
    assert len({page.body["dedup_key"] for page in paged}) == 1


def test_what_passes_by_itself_and_is_no_loss_is_tried_again(database, stays, ask):
    """A server without memory for the moment is not a lost one: wait longer each time, page nobody."""
    clock = HealingClock()
    with database.at("CopyDone", nth=2).error("53200"):
        result = DataIngestionAgent(database.dsn, batch_size=50, clock=clock).execute(task(stays))

    assert result.is_success(), result.error
    assert result.metadata["attempts"] == 2
    assert keys_of(stays) == loaded(ask)


def test_a_missing_table_is_named(database, stays):
    """A table that is not there is an error that names it, at the first try."""
    result = DataIngestionAgent(database.dsn).execute(
        {"source_file": str(stays), "target_table": "raw.nowhere"}
    )

    assert isinstance(result.error, FatalError)
    assert "raw.nowhere" in str(result.error)
    assert result.metadata["attempts"] == 1


@pytest.mark.parametrize("left_out", ["source_file", "target_table"])
def test_an_incomplete_task_is_refused(left_out, stays):
    """A task without its source or its target is an error that names what is missing."""
    incomplete = {key: value for key, value in task(stays).items() if key != left_out}

    result = DataIngestionAgent("postgresql://nowhere").execute(incomplete)

    assert left_out in str(result.error)


def test_a_missing_file_is_named(database, tmp_path):
    """A file that is not there is an error that names it."""
    result = DataIngestionAgent(database.dsn).execute(task(tmp_path / "gone.csv"))

    assert "gone.csv" in str(result.error)
