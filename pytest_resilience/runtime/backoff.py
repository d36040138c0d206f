"""How long to wait before the next attempt: exponential or fixed, with the jitter of one's choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from pytest_resilience.runtime.arguments import seconds

Jitter: TypeAlias = bool | Literal["full", "equal", "decorrelated"]
Draw: TypeAlias = Callable[[], float]
"""A source of random numbers in [0, 1), such as `random.random`."""

JITTERS: tuple[Jitter, ...] = (True, False, "full", "equal", "decorrelated")


class Backoff(Protocol):
    """What decides on the delays: one of this module's, or one's own."""

    def next_delay(self, retry: int, previous: float, draw: Draw) -> float:
        """Return the seconds before this retry (from 0), given the delay before it and random numbers."""


@dataclass(frozen=True, slots=True)
class FixedDelay:
    """Wait equally long each time.

    Args:
        delay: seconds.
    """

    delay: float = 5.0

    def __post_init__(self) -> None:
        seconds("delay", self.delay)

    def next_delay(self, retry: int, previous: float, draw: Draw) -> float:  # noqa: ARG002 - the protocol's shape
        """Return the seconds before this retry (from 0)."""
        return self.delay


@dataclass(frozen=True, slots=True)
class ExponentialBackoff:
    """Wait twice as long each time, up to a cap (policy §3).

    Args:
        base_delay: seconds before the first retry.
        max_delay: no delay is longer, in seconds.
        jitter: `True` is uniform on [0.5·d, min(1.5·d, max_delay)], where d is the delay without jitter;
            `"full"` is uniform on [0, d], `"equal"` on [d/2, d]; `"decorrelated"` is uniform between the base
            and three times the previous delay. None of them bunches up at the cap.
    """

    base_delay: float = 2.0
    max_delay: float = 60.0
    jitter: Jitter = True

    def __post_init__(self) -> None:
        seconds("base_delay", self.base_delay)
        seconds("max_delay", self.max_delay, finite=False)
        if self.jitter not in JITTERS:
            raise ValueError(f"jitter must be one of {JITTERS}, got {self.jitter!r}")

    def next_delay(self, retry: int, previous: float, draw: Draw) -> float:
        """Return the seconds before this retry (from 0), given the delay before it."""
        plain = self.plain_delay(retry)
        if not self.jitter:
            return plain
        if self.jitter == "full":
            return plain * draw()
        if self.jitter == "equal":
            return plain * (0.5 + draw() / 2)
        if self.jitter == "decorrelated":
            low = min(self.base_delay, self.max_delay)
            return low + (min(self.max_delay, 3 * max(previous, low)) - low) * draw()
        return _centred(plain, self.max_delay, draw())

    def plain_delay(self, retry: int) -> float:
        """Return the delay without jitter, `min(base_delay * 2**retry, max_delay)`."""
        return min(self.base_delay * 2.0 ** min(retry, 1000), self.max_delay)  # beyond that a float overflows


def _centred(plain: float, cap: float, draw: float) -> float:
    """Return a delay uniform on [0.5·plain, min(1.5·plain, cap)], with the middle draw at exactly `plain`.

    What a draw puts above the cap is spread over the whole range below it: clipping would give every second
    delay the cap itself, and callers that failed together would come back together.
    """
    low, high = 0.5 * plain, 1.5 * plain
    delay = low + plain * draw
    if delay <= cap:
        return delay
    return low + (delay - cap) * (cap - low) / (high - cap)
