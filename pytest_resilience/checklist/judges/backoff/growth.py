"""What a series of exact waits is: immediate, constant, shrinking, linear, geometric, or none that can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from pytest_resilience.checklist.thresholds import CAP_SAMENESS, GROWTH_FACTOR, STEP_GROWTH

Kind: TypeAlias = Literal["immediate", "constant", "shrinking", "linear", "geometric", "unclear"]

MOST_NOISE = 0.2
"""The noise as a part of the first wait, above which nothing is said of it."""


AT_ONCE = 0.1
"""The part of the second wait below which the first is none, on a machine that is busy."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What the waits are, and what a reader has to know beside it."""

    kind: Kind
    note: str = ""


def growth_of(waits: Sequence[float], *, noise: float) -> Growth:
    """Classify waits.

    Args:
        waits: in order, each from a failure to the next attempt.
        noise: seconds by which each may be too long.
    """
    waits = without_first_zero(waits, noise=noise)
    blurred = waits[0] * MOST_NOISE < noise
    if all(wait <= noise for wait in waits) or (blurred and _cannot_have_doubled(waits, noise)):
        return Growth("immediate")
    if blurred:
        return Growth(
            "unclear", f"the first wait, {waits[0]:.3g} s, is not clear of the noise of {noise:.2g} s"
        )
    return _Series(tuple(waits), noise).growth()


def _cannot_have_doubled(waits: Sequence[float], noise: float) -> bool:
    """Whether the last wait is so short that the first, had they doubled from there, was lost in the noise."""
    return len(waits) > 1 and waits[-1] <= noise * 2 ** (len(waits) - 2)


def rough_growth(waits: Sequence[float], *, noise: float) -> Growth:
    """Classify waits of which only the differences are known, because nobody saw when the client gave up.

    Args:
        waits: each with the same unknown time added.
        noise: seconds by which each may be too long.
    """
    if len(waits) < 2:
        return Growth("unclear", "a single wait shows no growth")
    if max(waits) - min(waits) <= 2 * noise:
        return Growth("constant")
    if any(after < before - 2 * noise for before, after in pairwise(waits)):
        return Growth("shrinking")
    return Growth(
        "geometric", "the client closes a hanging connection late: only that the waits grow was seen"
    )


def without_first_zero(waits: Sequence[float], *, noise: float) -> Sequence[float]:
    """Drop the first wait where it is none: some libraries try again at once before they begin to wait."""
    if len(waits) < 2:
        return waits
    nothing = waits[0] <= noise < max(waits) or (waits[0] <= 5 * noise and waits[0] < AT_ONCE * waits[1])
    return waits[1:] if nothing else waits


@dataclass(frozen=True, slots=True)
class _Series:
    waits: tuple[float, ...]
    noise: float

    def growth(self) -> Growth:
        if len(self.waits) < 2:
            return Growth("unclear", "a single wait shows no growth")
        if all(self._same(self.waits[0], wait) for wait in self.waits):
            return Growth("constant")
        if any(after < before and not self._same(before, after) for before, after in pairwise(self.waits)):
            return Growth("shrinking")
        return self._growing()

    def _same(self, one: float, other: float) -> bool:
        return abs(one - other) <= max(CAP_SAMENESS * max(one, other), 2 * self.noise)

    def _growing(self) -> Growth:
        """Judge the rise, without what is level before and after it."""
        start = max(at for at, wait in enumerate(self.waits) if self._same(wait, self.waits[0]))
        end = min(at for at, wait in enumerate(self.waits) if self._same(wait, self.waits[-1]))
        rise = self.waits[start : end + 1]
        if start and len(rise) >= 3 and self._is_linear(rise):
            return Growth("linear")
        capped = end < len(self.waits) - 1
        level = f"the first {start + 1} waits are alike" if start else ""
        return self._rise(rise, capped=capped, level=level)

    def _rise(self, rise: Sequence[float], *, capped: bool, level: str) -> Growth:
        factors = [after / before for before, after in pairwise(rise)]
        if all(factor >= GROWTH_FACTOR for factor in factors):
            short = "two waits alone fit linear ones as well" if len(self.waits) == 2 else ""
            return Growth("geometric", level or short)
        if self._is_linear(rise):
            fits = "they fit geometric waits up to a cap, and linear ones"
            return Growth("unclear", fits) if capped and len(rise) == 3 else Growth("linear")
        return self._slower(rise, factors, capped=capped, level=level)

    def _slower(self, rise: Sequence[float], factors: Sequence[float], *, capped: bool, level: str) -> Growth:
        """Judge a rise with a step below the factor: into a cap, or of a gentler growth."""
        steep = len(factors) >= 2 and all(factor >= GROWTH_FACTOR for factor in factors[:-1])
        if steep and (capped or self._flattens(rise)):
            return Growth("geometric", level or ("" if capped else "the last wait may be a cap"))
        body = rise[:-1] if capped or self._flattens(rise) else rise
        if len(body) >= 3 and self._steps_grow(body):
            return Growth(
                "geometric", level or "they grow by a constant and a doubling part, or by less than 1.7"
            )
        return Growth("unclear", f"the factors are {', '.join(f'{factor:.2f}' for factor in factors)}")

    def _is_linear(self, rise: Sequence[float]) -> bool:
        steps = [after - before for before, after in pairwise(rise)]
        allowed = max(CAP_SAMENESS * max(steps), 2 * self.noise)
        return len(steps) >= 2 and max(steps) - min(steps) <= allowed

    def _flattens(self, rise: Sequence[float]) -> bool:
        steps = [after - before for before, after in pairwise(rise)]
        return len(steps) >= 2 and steps[-1] < steps[-2] * (1 - CAP_SAMENESS) - 2 * self.noise

    def _steps_grow(self, rise: Sequence[float]) -> bool:
        steps = [after - before for before, after in pairwise(rise)]
        return all(
            after - self.noise >= STEP_GROWTH * (before + self.noise) > 0 for before, after in pairwise(steps)
        )
