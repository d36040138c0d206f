"""What is wrong with a state that faults have left, of jobs, of functions that are called often, and of servers."""

from __future__ import annotations

import pytest

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.explore.wholeness import wrong_state
from pytest_resilience.chaos.run.record import CallRecord, ProcessRecord, RunRecord
from pytest_resilience.chaos.state.postgres import PostgresState, TableState
from pytest_resilience.chaos.state.registry import ModelState, RegistryState, VersionState

CALLED = WorkloadDeclaration(name="score", shape="function", function="app:score", calls=3, uses=("db",))
SERVER = WorkloadDeclaration(name="api", shape="server", uses=("db",))
JOB = WorkloadDeclaration(name="load", shape="job", uses=("db",))


def state(*rows: int) -> PostgresState:
    """A database with one table of these rows."""
    pairs = tuple(sorted((row, row) for row in rows))
    return PostgresState(
        schema={}, tables={"t": TableState(count=len(rows), checksum=str(pairs), rows=pairs)}
    )


CLEAN = RunRecord(
    workload="score",
    boundaries={"db": (state(), state(1), state(1, 2), state(1, 2, 3))},
    states={"db": state(1, 2, 3)},
)


def wrong(
    workload: WorkloadDeclaration, *rows: int, outcomes: tuple[str, ...] = (), status: int = 0
) -> str | None:
    """Return which rule a run broke that left these rows."""
    calls = tuple(
        CallRecord(number=n, began=0, ended=1, outcome=outcome) for n, outcome in enumerate(outcomes, 1)
    )
    process = ProcessRecord(began=0, ended=1, exit_code=status)
    run = RunRecord(workload="score", calls=calls, processes=(process,), states={"db": state(*rows)})
    found = wrong_state(run, clean=CLEAN, workload=workload, service="db")
    return None if found is None else found.broken


def test_a_call_that_failed_may_be_missing_whatever_came_after_it() -> None:
    """Each call is an operation of its own."""
    assert wrong(CALLED, 1, 3, outcomes=("ok", "raised", "ok")) is None
    assert wrong(CALLED, 1, 2, 3, outcomes=("ok", "raised", "ok")) is None


def test_calls_that_worked_may_not_be_missing_and_none_may_be_doubled() -> None:
    """Nor may there be rows that no undisturbed run has."""
    assert wrong(CALLED, 1, 3, outcomes=("ok", "ok", "ok")) == "reported"
    assert wrong(CALLED, 1, 1, 3, outcomes=("ok", "raised", "ok")) == "half"
    assert wrong(CALLED, 1, 9, outcomes=("ok", "raised", "ok")) == "half"


def test_how_many_requests_a_server_got_is_nothing_wrong() -> None:
    """It differs from run to run."""
    assert wrong(SERVER, 1, 2, 3, 4, outcomes=("200", "503")) is None


def test_a_job_is_one_operation() -> None:
    """All of it or nothing, where nobody starts it again."""
    assert wrong(JOB, status=1) is None
    assert wrong(JOB, 1, 2, 3, status=1) is None
    assert wrong(JOB, 1, status=1) == "half"
    assert wrong(JOB, 2, status=1) == "torn"
    assert wrong(JOB, 1) == "reported"


def registry(*versions: str, **runs: int) -> RegistryState:
    """A registry with a model of these versions, if any, and so many runs of each status."""
    ready = {version: VersionState(stage="None", status="READY") for version in versions}
    return RegistryState(
        models={"risk": ModelState(versions=ready)} if versions else {},
        runs={f"risk: {status}": number for status, number in runs.items()},
    )


@pytest.mark.parametrize(
    ("seen", "status", "resume", "broken"),
    [
        (registry("1", FINISHED=1, RUNNING=1), 0, "rerun", None),
        (registry("1", FINISHED=2), 0, "rerun", None),
        (registry("1", "2", FINISHED=2), 0, "rerun", "reported"),
        (registry("1"), 0, "rerun", "reported"),
        (registry(FAILED=1), 1, "none", None),
        (registry(FINISHED=1), 1, "none", None),
        (registry("1", FAILED=1), 1, "none", "half"),
    ],
)
def test_runs_of_a_registry_may_be_more(
    seen: RegistryState, status: int, resume: str, broken: str | None
) -> None:
    """They are the record of what was tried; one that is missing was done, and versions are what is deployed."""
    clean = RunRecord(workload="train", states={"models": registry("1", FINISHED=1)})
    run = RunRecord(
        workload="train",
        processes=(ProcessRecord(began=0, ended=1, exit_code=status),),
        states={"models": seen},
    )
    job = WorkloadDeclaration(name="train", shape="job", uses=("models",), resume=resume)
    found = wrong_state(run, clean=clean, workload=job, service="models", begin=registry())

    assert (None if found is None else found.broken) == broken
