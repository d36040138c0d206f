"""Waits as programs draw them: each model of growth with each jitter, for the simulations."""

from __future__ import annotations

import random
from collections.abc import Callable

GROWTH: dict[str, Callable[[int], float]] = {
    "exponential": lambda number: 2.0**number,
    "tripling": lambda number: 3.0**number,
    "linear": lambda number: 1.0 + number,
    "constant": lambda _number: 1.0,
    "immediate": lambda _number: 0.0,
    "shrinking": lambda number: 0.5**number,
}
JITTER: dict[str, Callable[[float, random.Random], float]] = {
    "none": lambda wait, _draw: wait,
    "full": lambda wait, draw: draw.uniform(0, wait),
    "equal": lambda wait, draw: wait / 2 + draw.uniform(0, wait / 2),
    "half": lambda wait, draw: wait * draw.uniform(0.5, 1.5),
}


class Midpoint(random.Random):
    """Answers the midpoint of whatever is asked."""

    def random(self) -> float:
        return 0.5


def waits(
    growth: str, jitter: str, count: int, draw: random.Random, *, cap: float = 1e9, noise: float = 0.0
) -> list[float]:
    """Return one episode, each wait longer by what the clock is off."""
    noisy = random.Random(draw.random()) if noise else draw
    if jitter == "decorrelated":
        drawn = decorrelated(count, draw, cap=cap)
    else:
        drawn = [JITTER[jitter](min(cap, GROWTH[growth](number)), draw) for number in range(count)]
    return [wait + noisy.uniform(0, noise) for wait in drawn]


def decorrelated(count: int, draw: random.Random, *, cap: float = 1e9) -> list[float]:
    """Return waits that are drawn between the base and three times the one before."""
    found, last = [], 1.0
    for _ in range(count):
        last = min(cap, draw.uniform(1.0, last * 3))
        found.append(last)
    return found
