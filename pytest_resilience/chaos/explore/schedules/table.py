"""Which faults are drawn how often: most where transactions end, where code reconnects, and where it tries again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from pytest_resilience.chaos.explore.schedules.place import Place, commits, reconnects, recorded, repeats
from pytest_resilience.chaos.explore.schedules.stroke import Stroke, names_of
from pytest_resilience.chaos.points.point import FaultPoint

T = TypeVar("T")

FAMILY_BITS, PLACE_BITS, NAME_BITS = 4, 16, 4
BITS = FAMILY_BITS + PLACE_BITS + NAME_BITS
"""Coins that are tossed for one fault."""

CERTAIN = ((commits, 5), (recorded, 3))
"""Kinds of places that the undisturbed workload comes by, and their shares of the draws."""
FAMILIES = (*CERTAIN, (reconnects, 5), (repeats, 3))
"""The same for all places."""
NAMES = {"cut": 7, "lost-reply": 10, "error": 3, "reset": 2, "kill": 4}
"""Faults, and their shares of the draws at one place."""

Shares: TypeAlias = tuple[tuple[tuple[Place, ...], int], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What coins mean.

    Coins, and not numbers: among numbers Hypothesis prefers those that it finds in the modules that happen to be
    loaded, and the same seed is to draw the same schedules in every process.

    Args:
        certain: places that the undisturbed workload comes by, with shares.
        every: all of them.
        kills: whether the workload may be killed.
    """

    certain: Shares
    every: Shares
    kills: bool

    @classmethod
    def of(cls, points: Sequence[FaultPoint], *, kills: bool) -> Table:
        """Return the table for a recording.

        Raises:
            ValueError: nothing was recorded.
        """
        if not points:
            raise ValueError("a recording without fault points has no schedules")
        certain, every = (
            tuple((places, share) for family, share in families if (places := tuple(family(points))))
            for families in (CERTAIN, FAMILIES)
        )
        return cls(certain, every, kills)

    def certain_stroke(self, coins: Sequence[bool]) -> Stroke:
        """Return a fault that hits where no other comes before it."""
        return self._stroke(coins, self.certain)

    def stroke(self, coins: Sequence[bool]) -> Stroke:
        """Return any fault."""
        return self._stroke(coins, self.every)

    def _stroke(self, coins: Sequence[bool], shares: Shares) -> Stroke:
        places = _shared(_scaled(coins[:FAMILY_BITS]), shares)
        place = places[int(_scaled(coins[FAMILY_BITS:-NAME_BITS]) * len(places))]
        names = [(name, NAMES[name]) for name in names_of(place, kills=self.kills)]
        return Stroke(place, _shared(_scaled(coins[-NAME_BITS:]), names))


def _scaled(coins: Sequence[bool]) -> float:
    """Return a number from 0 to below 1."""
    return sum(coin << index for index, coin in enumerate(reversed(coins))) / (1 << len(coins))


def _shared(at: float, shares: Sequence[tuple[T, int]]) -> T:
    """Return the one in whose share the number lies."""
    rest = at * sum(share for _, share in shares)
    for one, share in shares[:-1]:
        if rest < share:
            return one
        rest -= share
    return shares[-1][0]
