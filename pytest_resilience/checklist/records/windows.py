"""When what a call does may come: while it lasts, or where that is done after its answer, until the next one begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.records.attempts import Attempt
from pytest_resilience.checklist.thresholds import FIRST_PATIENCE, LEAST_PATIENCE, PATIENCE

Window = tuple[float, float]
"""From when to when one call, or one process, ran."""


def windows(run: RunRecord, *, later: bool = False) -> Iterator[tuple[Window, bool]]:
    """Yield each call's time, or where there are none each process's, and whether it ended by itself.

    Args:
        run: whose times they are.
        later: what a call does is done after its answer: its time goes on until the next one begins.
    """
    if later:
        begins = [call.began for call in run.calls]
        last = max((process.ended or 0.0 for process in run.processes), default=0.0)
        yield from ((window, True) for window in pairwise([*begins, max([last, *begins])]))
        return
    for one in run.calls or run.processes:
        blocked = getattr(one, "blocked", False)
        yield (
            (one.began, one.ended if one.ended is not None else float("inf")),
            one.ended is not None and not blocked,
        )


def is_over(tries: Sequence[Attempt], until: float) -> bool:
    """Tell whether what is done on the side succeeded in the end, or was not tried again for so long that it never is.

    Args:
        tries: of one operation.
        until: the last moment that is known.
    """
    if not tries[-1].failed:
        return True
    last = tries[-1].ended
    silences = [after.began - (before.ended or before.began) for before, after in pairwise(tries)]
    return last is not None and until - last >= patience(silences)


def patience(silences: Sequence[float]) -> float:
    """Return for how many seconds after such silences the next one may last, until another try comes."""
    return max(LEAST_PATIENCE, PATIENCE * max(silences)) if silences else FIRST_PATIENCE
