"""Which schedules are drawn, what may be said of one run, and how a finding is made small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pytest_resilience.chaos.explore.probe import fault_order
from pytest_resilience.chaos.explore.schedules.hunt import StopHuntError, hunt
from pytest_resilience.chaos.explore.schedules.place import Place
from pytest_resilience.chaos.explore.schedules.smallest import smallest
from pytest_resilience.chaos.explore.schedules.stroke import MOST_FAULTS, Schedule, Stroke, fair, words
from pytest_resilience.chaos.explore.schedules.table import Table
from pytest_resilience.chaos.explore.schedules.trial import why_unproven
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.record import FaultRecord, ProcessRecord, RunRecord
from pytest_resilience.chaos.scenario.model import When

RUNS = 100


def point(message: str, nth: int, side: Any = "request") -> FaultPoint:
    """A point of a database."""
    return FaultPoint(service="warehouse", protocol="postgres", side=side, message=message, nth=nth)


POINTS = (
    point("Startup", 1),
    *(point("INSERT", nth, side) for nth in range(1, 31) for side in ("request", "reply")),
    *(point("COMMIT", nth, side) for nth in range(1, 4) for side in ("request", "reply")),
)


@cache
def drawn(
    *, seed: int, restarts: int = 3, harm: Callable[[Schedule], bool] = lambda _: False
) -> list[Schedule]:
    """The schedules of a hunt."""
    tried: list[Schedule] = []

    def does_harm(schedule: Schedule) -> bool:
        tried.append(schedule)
        return harm(schedule)

    hunt(Table.of(POINTS, kills=restarts > 0), does_harm, runs=RUNS, restarts=restarts, seed=seed)
    return tried


def test_the_same_seed_draws_the_same_schedules() -> None:
    """Another one draws others."""
    assert drawn(seed=1) == drawn(seed=1, harm=lambda _: False)
    assert drawn(seed=1) != drawn(seed=2)


def test_what_becomes_of_a_schedule_does_not_change_which_are_drawn() -> None:
    """Up to the first that does harm, they are the same as where none does."""
    found = drawn(seed=1, harm=lambda schedule: len(schedule) == MOST_FAULTS)

    assert drawn(seed=1)[: len(found)] == found


def test_loaded_modules_do_not_change_which_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hypothesis takes numbers from modules that it finds; the coins are none."""
    (tmp_path / "with_many_numbers.py").write_text("NUMBERS = [3, 5, 7, 11, 1234, 4321, 65001]\n")
    monkeypatch.syspath_prepend(tmp_path)
    drawn(seed=1)
    import_module("with_many_numbers")

    assert drawn(seed=1) == drawn(seed=1, harm=lambda _: False)


def test_no_schedule_is_tried_twice_and_as_many_are_tried_as_were_asked_for() -> None:
    """A run is dear."""
    schedules = drawn(seed=1)

    assert len(set(schedules)) == RUNS == len(schedules)


@pytest.mark.parametrize("restarts", [0, 1, 3])
def test_schedules_are_fair(restarts: int) -> None:
    """Up to four faults, no two at one message, no more kills than restarts, and no silence."""
    schedules = drawn(seed=1, restarts=restarts)
    names = [[stroke.name for stroke in schedule] for schedule in schedules]

    assert {len(schedule) for schedule in schedules} == {1, 2, 3, 4}
    assert all(len({stroke.place for stroke in schedule}) == len(schedule) for schedule in schedules)
    assert min(restarts, 1) <= max(kinds.count("kill") for kinds in names) <= restarts
    assert not any("hang" in kinds for kinds in names)


def test_a_schedule_begins_with_a_fault_that_hits() -> None:
    """Its message comes by in the undisturbed run."""
    places = {Place(service=each.service, protocol=each.protocol, when=each.when) for each in POINTS}

    assert all(schedule[0].place in places for schedule in drawn(seed=1))


def test_draws_lean_to_commits_reconnects_and_resumes() -> None:
    """They are a tenth of the messages, or none of the undisturbed run's at all, and most of the faults."""
    strokes = [stroke for schedule in drawn(seed=1) for stroke in schedule]
    kinds = Counter(kind_of(stroke.place.when) for stroke in strokes)

    assert {"commit", "reconnect", "again", "other"} == set(kinds)
    assert kinds["commit"] > kinds["other"]
    assert kinds["reconnect"] > kinds["again"] > len(strokes) / 20


def kind_of(when: When) -> str:
    """What a trigger stands for."""
    if when.connection is not None or (when.message == "Startup" and when.nth > 1):
        return "reconnect"
    clean = {("INSERT", 30), ("COMMIT", 3)}
    if any(when.message == message and when.nth > last for message, last in clean):
        return "again"
    return "commit" if when.message == "COMMIT" else "other"


def test_a_hunt_ends_at_the_first_that_does_harm() -> None:
    """And returns it."""
    table = Table.of(POINTS, kills=True)
    found = hunt(table, lambda schedule: len(schedule) == MOST_FAULTS, runs=RUNS, restarts=3, seed=1)

    assert found is not None
    assert len(found) == MOST_FAULTS


def test_a_hunt_can_be_stopped_from_within() -> None:
    """It does not take that for harm."""

    def stop(_: Schedule) -> bool:
        raise StopHuntError

    assert hunt(Table.of(POINTS, kills=True), stop, runs=RUNS, restarts=3, seed=1) is None


def test_few_points_have_few_schedules() -> None:
    """They end when all have been tried."""
    tried: list[Schedule] = []

    def does_harm(schedule: Schedule) -> bool:
        tried.append(schedule)
        return False

    table = Table.of(
        [FaultPoint(service="labs", protocol="http", side="reply", message="GET /", nth=1)], kills=False
    )
    hunt(table, does_harm, runs=RUNS, restarts=0, seed=1)

    assert 3 >= len(tried) >= 1


def stroke(name: str, message: str | None = None, nth: int = 1, connection: int | None = None) -> Stroke:
    """A fault before a message, or before a statement of a connection."""
    when = When(message=message, sql=None if message else ".", nth=nth, connection=connection)
    return Stroke(Place(service="warehouse", protocol="postgres", when=when), name)


def test_words_read_in_the_order_of_the_faults() -> None:
    """As one sentence."""
    said = words((stroke("cut", "COMMIT", 2), stroke("kill", nth=1, connection=2)))

    assert said == (
        "Connection closed before COMMIT number 2 on warehouse; "
        "then workload killed before statement number 1 of connection 2 on warehouse"
    )


def test_fair_leaves_out_kills_beyond_the_restarts() -> None:
    """The others stay."""
    kills = [stroke("kill", "INSERT", nth) for nth in (1, 2)]

    assert fair([*kills, stroke("cut", "COMMIT")], restarts=1) == (kills[0], stroke("cut", "COMMIT"))


def test_smallest_leaves_out_what_is_not_needed() -> None:
    """Faults that only hit, and such that did not even that; and it takes the simplest fault that does."""
    needed = {"INSERT", "COMMIT"}

    def fails(schedule: Schedule) -> Schedule | None:
        hit = tuple(each for each in schedule if each.place.when.message != "SELECT")
        return hit if needed <= {each.place.when.message for each in hit} else None

    drawn = (
        stroke("reset", "INSERT"),
        stroke("cut", "SELECT"),
        stroke("kill", "UPDATE"),
        stroke("kill", "COMMIT"),
    )

    assert smallest(drawn, fails) == (stroke("cut", "INSERT"), stroke("cut", "COMMIT"))


def test_smallest_knows_that_numbers_move_with_a_fault_less() -> None:
    """Without the first fault the connection that matters is an earlier one."""
    commit = stroke("cut", "COMMIT")

    def fails(schedule: Schedule) -> Schedule | None:
        """Harm is done where COMMIT is hit, and the first statement of the next connection but the INSERT's two."""
        extra = 2 * any(each.place.when.message == "INSERT" for each in schedule)
        return schedule if {commit, stroke("cut", connection=2 + extra)} <= set(schedule) else None

    assert smallest((stroke("cut", "INSERT"), commit, stroke("cut", connection=4)), fails) == (
        commit,
        stroke("cut", connection=2),
    )


def record(*hits: float | None, starts: int, exit_code: int) -> RunRecord:
    """A run whose starts took a second each, with a fault for each hit."""
    order = fault_order("cut", on="warehouse", protocol="postgres", when=When(message="COMMIT"))
    return RunRecord(
        workload="ingest",
        processes=tuple(
            ProcessRecord(began=float(n), ended=n + 0.9, exit_code=exit_code if n == starts - 1 else 1)
            for n in range(starts)
        ),
        faults=tuple(
            FaultRecord(
                order=order,
                receipts=() if at is None else (Receipt(at=at, service="warehouse", kind="cut"),),
            )
            for at in hits
        ),
    )


def test_one_fault_that_hits_is_enough() -> None:
    """An earlier one may lead past a later one's message."""
    assert why_unproven(record(0.5, None, starts=2, exit_code=0), restarts=3) is None


def test_no_fault_that_hits_proves_nothing() -> None:
    """And the reason says so."""
    assert "none of its faults hit" in str(why_unproven(record(None, starts=1, exit_code=0), restarts=3))


def test_faults_in_every_start_leave_none_to_come_back_in() -> None:
    """No workload could; one that fails in a start that was not hit is to blame."""
    assert "each of its 4 starts" in str(
        why_unproven(record(0.5, 1.5, 2.5, 3.5, starts=4, exit_code=1), restarts=3)
    )
    assert why_unproven(record(0.5, 1.5, 2.5, starts=4, exit_code=1), restarts=3) is None
    assert why_unproven(record(0.5, starts=1, exit_code=1), restarts=0) is None
