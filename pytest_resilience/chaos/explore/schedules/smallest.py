"""Make a finding small: the fewest faults first, then the simplest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from pytest_resilience.chaos.explore.schedules.place import Place
from pytest_resilience.chaos.explore.schedules.stroke import Schedule, Stroke, names_of

FEWER = 3
"""Connections, or messages of a kind, that one fault may have brought about at most."""

Fails: TypeAlias = Callable[[Schedule], Schedule | None]
"""Tries a schedule; returns those of its faults that hit where it did harm, else none."""


def smallest(schedule: Schedule, fails: Fails) -> Schedule:
    """Return a schedule of as few and as simple faults as can be found that still does harm.

    Args:
        schedule: one that does harm.
        fails: tries another.
    """
    return _simpler(_fewer(fails(schedule) or schedule, fails), fails)


def _fewer(schedule: Schedule, fails: Fails) -> Schedule:
    for rest in _rests(schedule):
        found = fails(rest)
        if found is not None:
            return _fewer(found, fails)
    return schedule


def _rests(schedule: Schedule) -> Iterator[Schedule]:
    """Yield what is left without one fault: as it is first, then with numbers as they may be without it."""
    parts = [(schedule[:index], schedule[index + 1 :]) for index in range(len(schedule)) if len(schedule) > 1]
    yield from (before + after for before, after in parts)
    for before, after in parts:
        for fewer in range(1, FEWER + 1):
            for moves in (_on_earlier_connection, _at_earlier_message):
                moved = tuple(Stroke(moves(stroke.place, fewer), stroke.name) for stroke in after)
                if moved != after:
                    yield before + moved


def _on_earlier_connection(place: Place, fewer: int) -> Place:
    when = place.when
    if when.connection is not None:
        return replace(place, when=replace(when, connection=max(1, when.connection - fewer)))
    if when.message == "Startup":
        return replace(place, when=replace(when, nth=max(1, when.nth - fewer)))
    return place


def _at_earlier_message(place: Place, fewer: int) -> Place:
    if place.when.connection is not None:
        return place
    return replace(place, when=replace(place.when, nth=max(1, place.when.nth - fewer)))


def _simpler(schedule: Schedule, fails: Fails) -> Schedule:
    for index, stroke in enumerate(schedule):
        for name in names_of(stroke.place, kills=True):
            if name == stroke.name:
                break
            simpler = (*schedule[:index], Stroke(stroke.place, name), *schedule[index + 1 :])
            if fails(simpler) == simpler:
                schedule = simpler
                break
    return schedule
