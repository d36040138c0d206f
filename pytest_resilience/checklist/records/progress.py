"""Whether a disturbed run asks for one thing after the other as an undisturbed one does: then each is an operation."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.records.attempts import CONNECT, Attempt, attempts


@dataclass(frozen=True, slots=True)
class Progress:
    """What an undisturbed run asks a service for, in its order; empty where that is not known.

    Args:
        asked: what was asked for, and the number of the thing: the marks of the same one differ from run to run.
    """

    asked: tuple[tuple[str, int], ...] = ()

    def turns(self, tried: Sequence[Attempt]) -> list[list[Attempt]] | None:
        """Return the attempts by operation, where they go on as undisturbed; none where they do not.

        A layer above that tries again what was asked for before the failure as well may look the same: where what
        follows the first failure repeats what led to it, nobody can say.
        """
        turns = [list(same) for _, same in groupby(tried, key=_asked)]
        if any(turn[0].target is None for turn in turns) or all(len(turn) == 1 for turn in turns):
            return None
        order = _numbered(turn[0] for turn in turns)
        if order != list(self.asked[: len(order)]) or _is_repeated(order, turns):
            return None
        return turns


def progress(clean: RunRecord, service: str) -> Progress:
    """Return what an undisturbed run asks a service for."""
    known = [attempt for attempt in attempts(clean, service) if attempt.what != CONNECT]
    if any(attempt.target is None for attempt in known):
        return Progress()
    return Progress(tuple(_numbered(next(same) for _, same in groupby(known, key=_asked))))


def _asked(attempt: Attempt) -> Hashable:
    return attempt.what, attempt.target


def _numbered(asked: Iterable[Attempt]) -> list[tuple[str, int]]:
    """Return what was asked for, with the number of its target: the first is 0, the next other one 1."""
    numbers: dict[str | None, int] = {}
    return [(attempt.what, numbers.setdefault(attempt.target, len(numbers))) for attempt in asked]


def _is_repeated(order: Sequence[Hashable], turns: Sequence[Sequence[Attempt]]) -> bool:
    """Tell whether what follows the first failure, up to the same request, repeats what came before it."""
    failed = next((n for n, turn in enumerate(turns) if turn[-1].failed), None)
    if failed is None or order[failed] not in order[failed + 1 :]:
        return False
    again = order.index(order[failed], failed + 1)
    begin = 2 * failed - again + 1
    return begin >= 0 and order[begin : failed + 1] == order[failed + 1 : again + 1]
