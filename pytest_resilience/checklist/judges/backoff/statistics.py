"""What a series of waits is where each is drawn anew: statistics over many episodes, and when they want more."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, stdev

from pytest_resilience.checklist.judges.backoff.growth import Growth, growth_of
from pytest_resilience.checklist.thresholds import (
    EPISODES,
    EPISODES_FOR_STATISTICS,
    FREE_GROWTH,
    GAPS_FOR_LINEAR,
    JITTER_NOISE,
    JITTER_PART,
    MOST_EPISODES,
    SURE,
    SURELY_BENT,
)

DEPENDENT = 0.15
"""The correlation of a wait with the one before it that independent draws do not have (decorrelated ones: 0.5)."""

Episodes = Sequence[Sequence[float]]


def free_growth(episodes: Episodes, *, noise: float) -> tuple[Growth, bool]:
    """Classify waits that vary, and tell whether more episodes could say more.

    Args:
        episodes: the waits of each.
        noise: seconds by which each wait may be too long.
    """
    drawn = aligned(episodes, noise=noise)
    if len(drawn) < EPISODES or not drawn[0]:
        return Growth("unclear", f"only {len(drawn)} episodes of equal length"), len(drawn) < MOST_EPISODES
    if not varies(drawn, noise=noise):
        return growth_of([fmean(waits) for waits in zip(*drawn, strict=True)], noise=noise), False
    if fmean(max(waits) for waits in drawn) <= noise:
        return Growth("immediate"), False
    growth = _grows(drawn)
    if growth.kind == "geometric" and len(drawn[0]) >= GAPS_FOR_LINEAR:
        growth = _bends(drawn)
    return growth, growth.kind == "unclear" and len(episodes) < MOST_EPISODES


def aligned(episodes: Episodes, *, noise: float) -> list[Sequence[float]]:
    """Return the episodes of the usual length, without a first wait that is none."""
    usual = Counter(len(waits) for waits in episodes).most_common(1)
    length = usual[0][0] if usual else 0
    drawn = [waits for waits in episodes if len(waits) == length]
    waits_at_once = length > 1 and fmean(waits[0] for waits in drawn) <= noise
    return [waits[1:] for waits in drawn] if waits_at_once else drawn


def varies(episodes: Episodes, *, noise: float) -> bool:
    """Tell whether the same wait differs from episode to episode, the longest third left out: a busy machine's."""
    by_number: dict[int, list[float]] = {}
    for waits in episodes:
        for number, wait in enumerate(waits):
            by_number.setdefault(number, []).append(wait)
    kept = (sorted(same)[: len(same) - len(same) // 3] for same in by_number.values() if len(same) > 1)
    return any(same[-1] - same[0] > JITTER_NOISE * noise for same in kept)


def hides_jitter(episodes: Episodes, *, noise: float) -> bool:
    """Tell whether even the longest wait is too short for its jitter to show in the noise."""
    return JITTER_NOISE * noise > JITTER_PART * max(max(waits) for waits in episodes)


def _grows(drawn: Episodes) -> Growth:
    """Tell growth from none, by the last wait and the first."""
    if len(drawn[0]) < 2:
        return Growth("unclear", "a single wait shows no growth")
    growing = _surety([waits[-1] - FREE_GROWTH * waits[0] for waits in drawn])
    if growing >= SURE:
        short = "fewer than 5 waits that vary: linear growth cannot be excluded"
        return Growth("geometric", short if len(drawn[0]) < GAPS_FOR_LINEAR else "")
    if growing > -SURE:
        return Growth("unclear", f"{len(drawn)} episodes do not tell growing waits from constant ones")
    shrinking = _surety([waits[-1] - waits[0] for waits in drawn])
    return Growth("shrinking" if shrinking <= -SURE else "constant")


def _bends(drawn: Episodes) -> Growth:
    """Tell waits that bend upwards from those on a line, up to a cap where there is one."""
    if len(drawn) < EPISODES_FOR_STATISTICS:
        return Growth(
            "unclear", f"{len(drawn)} episodes are too few to tell geometric waits from linear ones"
        )
    length = len(drawn[0])
    lengths = [length] if _surety(_last_steps(drawn)) >= SURE else range(3, length + 1)
    bends = [_bend(drawn, upto) for upto in lengths]
    if any(_surety(bend) >= SURELY_BENT for bend in bends):
        return Growth("geometric")
    if _depends(drawn):
        return _dependent(drawn)
    if all(_is_flat(drawn, bend, upto) for bend, upto in zip(bends, lengths, strict=True)):
        return Growth("linear")
    return Growth("unclear", f"{len(drawn)} episodes do not tell geometric waits from linear ones")


def _dependent(drawn: Episodes) -> Growth:
    note = "each wait depends on the one before it (decorrelated jitter): linear growth cannot be excluded"
    return Growth("geometric" if len(drawn) >= MOST_EPISODES * 0.9 else "unclear", note)


def _last_steps(drawn: Episodes) -> list[float]:
    return [waits[-1] - 1.1 * waits[-2] for waits in drawn]


def _bend(drawn: Episodes, upto: int) -> list[float]:
    """Return, for each episode, a contrast that is 0 on average for waits on any line."""
    weights = _weights(upto)
    return [sum(w * wait for w, wait in zip(weights, waits, strict=False)) for waits in drawn]


def _weights(upto: int) -> list[float]:
    middle = (upto - 1) / 2
    squares = [(number - middle) ** 2 for number in range(upto)]
    mean = fmean(squares)
    return [square - mean for square in squares]


def _is_flat(drawn: Episodes, bend: Sequence[float], upto: int) -> bool:
    """Tell whether the bend is surely less than half of what geometric waits with the same ends have."""
    first, last = fmean(waits[0] for waits in drawn), fmean(waits[upto - 1] for waits in drawn)
    factor = (last / first) ** (1 / (upto - 1)) if first > 0 and last > 0 else 1.0
    geometric = sum(w * first * factor**number for number, w in enumerate(_weights(upto)))
    return _surety([value - geometric / 2 for value in bend]) <= -SURE


def _depends(drawn: Episodes) -> bool:
    """Tell whether a long wait is followed by a longer one than a short wait is."""
    centred = [[wait - mean for wait, mean in zip(waits, _means(drawn), strict=True)] for waits in drawn]
    pairs = [pair for waits in centred for pair in pairwise(waits)]
    size = math.sqrt(sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs))
    return size > 0 and sum(a * b for a, b in pairs) / size > DEPENDENT


def _means(drawn: Episodes) -> list[float]:
    return [fmean(waits) for waits in zip(*drawn, strict=True)]


def _surety(values: Sequence[float]) -> float:
    """Return by how many standard errors the mean differs from 0."""
    mean, spread = fmean(values), stdev(values)
    return (
        mean / (spread / math.sqrt(len(values))) if spread else math.copysign(math.inf, mean) if mean else 0.0
    )
