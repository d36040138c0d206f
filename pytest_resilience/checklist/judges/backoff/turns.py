"""Whose try is whose, where operations that wait alike go on at the same time; and how long one waits for the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pytest_resilience.checklist.records.attempts import Attempt
from pytest_resilience.checklist.thresholds import LEAST_ATTEMPTS

STALL = 5
"""Times the clock's noise that a busy machine may hold up a try that comes at once."""
ALIKE = 0.1
"""The part by which exact waits may differ, besides noise."""
CLEARLY = 2
"""Times the length of a round of attempts that the wait after it lasts, at least."""
REPLACED = 0.002
"""Seconds between closing a connection that hangs and making the next, where the one is done for the other."""


def wait_between(before: Attempt, after: Attempt) -> float | None:
    """Return the seconds from the end of a try to the next; none where that end was not seen."""
    if before.ended is None or after.began < before.ended or _closed_late(before, after):
        return None
    return after.began - before.ended


def _closed_late(before: Attempt, after: Attempt) -> bool:
    """A connection that hangs and is closed the moment the next one is made was given up before."""
    return before.kind == "hang" and before.ended is not None and after.began - before.ended < REPLACED


def turns_of(tries: Sequence[Attempt], units: int, *, noise: float) -> list[Sequence[Attempt]] | None:
    """Return attempts in turn, by operation, where they wait alike: those of one code, begun together.

    None where they do not: then nobody can say which attempt is whose.

    Args:
        tries: in the order in which they began.
        units: operations seen at the same time. There are no more, unless all their attempts come in rounds, with
            clear waits between them: short operations need not have met where they were counted.
        noise: seconds by which a wait may be too long.
    """
    most = len(tries) // LEAST_ATTEMPTS if units > 1 else 0
    for number in range(most, 1, -1):
        turns = _in_turn(tries, number)
        apart = [[_apart(*two) for two in pairwise(each)] for each in turns]
        alike = all(_alike(apart[0], other, noise) for other in apart[1:])
        if alike and (number <= units or _in_rounds(tries, number, noise)):
            return turns
    return None


def _in_turn(tries: Sequence[Attempt], number: int) -> list[Sequence[Attempt]]:
    """Return the attempts of so many operations: of those that wait alike, who fails first tries first again."""
    turns = [[attempt] for attempt in tries[:number]]
    for attempt in tries[number:]:
        min(turns, key=_since).append(attempt)
    return list(turns)


def _since(turn: Sequence[Attempt]) -> float:
    last = turn[-1]
    return last.began if last.ended is None else last.ended


def _apart(before: Attempt, after: Attempt) -> float:
    wait = wait_between(before, after)
    return after.began - before.began if wait is None else wait


def _in_rounds(tries: Sequence[Attempt], number: int, noise: float) -> bool:
    """Tell whether so many attempts come close together each time, and then none for long."""
    rounds = [tries[first : first + number] for first in range(0, len(tries), number)]
    lasts = [each[-1].began - each[0].began for each in rounds]
    waits = [after[0].began - before[-1].began for before, after in pairwise(rounds)]
    return min(waits) > max(STALL * noise, CLEARLY * max(lasts))


def _alike(apart: Sequence[float], others: Sequence[float], noise: float) -> bool:
    return all(
        abs(one - other) <= max(ALIKE * max(one, other), 3 * noise)
        for one, other in zip(apart, others, strict=False)
    )
