"""One fault of a schedule, and which of them may stand together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from pytest_resilience.chaos.explore.probe import DONE, fault_order, names_at
from pytest_resilience.chaos.explore.schedules.place import Place
from pytest_resilience.chaos.scenario.model import FaultOrder

MOST_FAULTS = 4
"""Faults of one schedule."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One fault at one place.

    Args:
        place: where.
        name: what happens there, as a probe calls it.
    """

    place: Place
    name: str

    @property
    def order(self) -> FaultOrder:
        """The fault."""
        place = self.place
        return fault_order(self.name, on=place.service, protocol=place.protocol, when=place.when)

    @property
    def words(self) -> str:
        """A sentence for people, without its full stop."""
        return f"{DONE[self.name]} {self.place.words}"


Schedule: TypeAlias = tuple[Stroke, ...]
"""Faults that are armed together; each acts when its message comes by."""


def names_of(place: Place, *, kills: bool) -> tuple[str, ...]:
    """Return what may happen at a place, the simplest first.

    Silence is left out: whether a call has a time-out, one fault alone tells, and several time-outs in one run add up
    beyond a deadline that each of them keeps.
    """
    when = place.when
    every = names_at(when.side, when.message or when.request or "")
    return tuple(name for name in every if name != "hang" and (kills or name != "kill"))


def fair(strokes: Iterable[Stroke], *, restarts: int) -> Schedule:
    """Leave out what no sound workload could be asked: two faults at one message, more kills than restarts."""
    kept: dict[Place, Stroke] = {}
    kills = 0
    for stroke in strokes:
        too_many = stroke.name == "kill" and kills == restarts
        if stroke.place in kept or too_many or len(kept) == MOST_FAULTS:
            continue
        kept[stroke.place] = stroke
        kills += stroke.name == "kill"
    return tuple(kept.values())


def words(schedule: Schedule) -> str:
    """Return a schedule as one sentence, without its full stop."""
    first, *others = [stroke.words for stroke in schedule]
    return "; then ".join([first, *(other[0].lower() + other[1:] for other in others)])
