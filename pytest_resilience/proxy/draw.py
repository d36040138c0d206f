"""Chance that follows from the seed: the same connection draws the same."""

from __future__ import annotations

from random import Random


class Draw:
    """One connection's draws for one toxic: whether it acts, and what it does.

    Args:
        seed: everything that the draws follow from.
    """

    __slots__ = ("random", "value")

    def __init__(self, *seed: object) -> None:
        self.random = Random("\0".join(map(str, seed)))
        self.value = self.random.random()

    def again(self) -> None:
        """Draw anew, as Toxiproxy does when a toxic changes."""
        self.value = self.random.random()
