"""Item 7 on small jobs: each mistake with a rollback is found from some step, and a sound one passes from all."""

from __future__ import annotations

import pytest
from small_jobs import Job

from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.checklist.experiments.rollback import MOST_STEPS, rollbacks, steps

LOAD = """
    import os, sys, urllib.request, psycopg2

    MODE = sys.argv[1]
    if "LABS_URL" in os.environ and MODE == "asks":
        urllib.request.urlopen(os.environ["LABS_URL"] + "/x").close()
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    with connection.cursor() as cursor:
        cursor.execute("select done from position")
        for start in range(cursor.fetchone()[0] if MODE != "idle" else 4, 4, 2):
            cursor.execute(f"insert into rows values ({start}), ({start + 1})")
            cursor.execute(f"update position set done = {start + 2}")
            connection.commit()
"""
UNDO = """
    import os, sys, urllib.request, psycopg2

    def nothing():
        raise RuntimeError("nothing was undone")

    def undo(mode="sound"):
        if mode == "asks":
            urllib.request.urlopen(os.environ["LABS_URL"] + "/x").close()
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        with connection, connection.cursor() as cursor:
            if mode == "once":
                cursor.execute("alter table rows drop column undone")
            if mode in {"sound", "asks"}:
                cursor.execute("delete from rows where n >= 0")
            if mode == "truncates":
                cursor.execute("truncate rows")
            if mode not in {"empty", "forgets"}:
                cursor.execute("update position set done = 0")
            if mode == "forgets":
                cursor.execute("delete from rows where n >= 0")

    if __name__ == "__main__":
        undo(*sys.argv[1:])
"""


@pytest.fixture
def job(pool, tmp_path):
    """Make a job with a rollback that does one thing wrong."""

    def make(mode, *, rollback=None, load="load", **more):
        command = f'["{{python}}", "undo.py", "{mode}"]' if rollback is None else rollback
        declared = f'rollback = {command}\nsnapshot = ["warehouse"]' if command else ""
        return Job(pool, tmp_path, LOAD, mode=load, more=declared, undo=UNDO, **more)

    return make


@pytest.mark.parametrize("step", ["end", "COMMIT-1-reply", "INSERT-1-reply", "Startup-1-request"])
def test_a_rollback_that_restores_passes(job, step) -> None:
    """After all of it, in the middle, and where nothing was done yet."""
    with job("sound") as sound:
        result = sound.experiments(rollbacks)[f"warehouse::{step}"].run()

    assert (result.outcome, [each.outcome for each in result.evidence]) == ("passed", ["passed"]), result.why


def test_a_function_may_be_the_rollback(job) -> None:
    """It is called in a process of its own."""
    with job("sound", rollback='"undo:undo"') as sound:
        result = sound.experiments(rollbacks)["warehouse::COMMIT-1-reply"].run()

    assert result.outcome == "passed", result.why


@pytest.mark.parametrize(
    ("mode", "step", "why"),
    [
        ("empty", "end", "the rollback changed nothing"),
        ("once", "end", "ended with status 1"),
        ("truncates", "Startup-1-request", "public.rows: 0 rows, expected 1"),
        ("forgets", "COMMIT-1-reply", "in column done"),
    ],
)
def test_mistakes_fail(job, mode, step, why) -> None:
    """Empty, crashing, taking what was there before, forgetting a table."""
    with job(mode) as fragile:
        result = fragile.experiments(rollbacks)[f"warehouse::{step}"].run()

    assert (result.outcome, why in result.why) == ("failed", True), result.why
    assert result.evidence[0].fix
    assert (
        result.evidence[0].replay
        == f'pytest --chaos --checklist "resilience::rollback::load::warehouse::{step}"'
    )


def test_a_function_that_raises_has_crashed(job) -> None:
    """Its exception is told."""
    with job("sound", rollback='"undo:nothing"') as fragile:
        result = fragile.experiments(rollbacks)["warehouse::end"].run()

    assert (result.outcome, "the rollback ended with status 1" in result.why) == ("failed", True), result.why


def test_a_rollback_that_needs_another_service_fails(job) -> None:
    """That service may be what has failed; one that does without it passes."""
    both = '["warehouse", "labs"]'
    with job("asks", load="asks", uses=both) as fragile:
        experiments = fragile.experiments(rollbacks)
        (away,) = [each for name, each in experiments.items() if name.endswith("-without-labs")]
        result = away.run()

    assert (result.outcome, "while labs is down" in result.why) == ("failed", True), result.why


@pytest.mark.parametrize(
    ("load", "outcome", "why"),
    [("load", "unproven", "declares no rollback"), ("idle", "not-applicable", "no state")],
)
def test_what_is_not_declared_is_not_proven(job, load, outcome, why) -> None:
    """But who changes nothing need not undo it."""
    with job("none", rollback="", load=load) as one:
        (result,) = [each.run() for each in one.experiments(rollbacks).values()]

    assert (result.outcome, why in result.why) == (outcome, True), result.why
    assert bool(result.evidence[0].fix) == (outcome == "unproven")


def test_each_kind_of_step_and_the_commits_are_tried() -> None:
    """In the order of the run, and not more than there is time for."""
    points = [
        FaultPoint(service="db", protocol="postgres", side="reply", message=message, nth=nth)
        for nth in range(1, 31)
        for message in ("INSERT", "UPDATE", "COMMIT")
    ]
    taken = steps(points)

    assert {point.message for point in taken} == {"INSERT", "UPDATE", "COMMIT"}
    assert (taken == sorted(taken, key=points.index), len(taken) <= MOST_STEPS) == (True, True)
    assert steps(points[:3]) == points[:3]
