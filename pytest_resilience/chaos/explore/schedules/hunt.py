"""Random schedules, drawn by Hypothesis, until one does harm."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.strategies import booleans, builds, lists, tuples

from pytest_resilience.chaos.explore.schedules.stroke import MOST_FAULTS, Schedule, Stroke, fair
from pytest_resilience.chaos.explore.schedules.table import BITS, Table


class StopHuntError(BaseException):
    """End the hunt from within a trial; not an `Exception`, which Hypothesis would take for harm."""


def hunt(
    table: Table, does_harm: Callable[[Schedule], bool], *, runs: int, restarts: int, seed: int
) -> Schedule | None:
    """Try so many schedules, no two alike, up to the first that does harm; return that one.

    Which ones are drawn follows from the table and the seed alone, not from what becomes of them. Hypothesis does not
    shrink what it has drawn: without one fault the others' messages have other numbers, which `smallest` knows.

    Args:
        table: what is drawn.
        does_harm: tries a schedule.
        runs: how many are tried; fewer where there are not so many.
        restarts: how often the workload is started again.
        seed: what the draws follow from.
    """
    known: set[Schedule] = set()
    harmful: Schedule | None = None

    @hypothesis.seed(seed)
    @settings(
        max_examples=runs,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=tuple(HealthCheck),
        verbosity=Verbosity.quiet,
        backend="hypothesis",
    )
    @given(_strokes(table))
    def promise(strokes: tuple[Stroke, ...]) -> None:
        nonlocal harmful
        schedule = fair(strokes, restarts=restarts)
        if schedule in known:
            hypothesis.reject()
        known.add(schedule)
        if does_harm(schedule):
            harmful = schedule
            raise StopHuntError

    try:
        promise()
    except StopHuntError:
        return harmful
    return None


def _strokes(table: Table) -> hypothesis.strategies.SearchStrategy[tuple[Stroke, ...]]:
    """Return what draws one fault that hits for certain, and one to three more that may."""
    coins = tuples(*[booleans()] * BITS)
    others = lists(coins.map(table.stroke), min_size=1, max_size=MOST_FAULTS - 1)
    return builds(lambda first, more: (first, *more), coins.map(table.certain_stroke), others)
