"""What a workload asks of a service between its answers: it polls an outbox, or does what it put off."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.records.attempts import Attempt, attempts
from pytest_resilience.checklist.records.windows import windows

_ENDS = ("COMMIT", "END")
_GAP = r"(?:\s|/\*[\s\S]*?\*/|--[^\n]*\n)"
"""What stands as one space in a statement's shape: spaces and comments."""
_CUT = re.compile(r", \.\.\.|…")
"""Where a statement's shape no longer says all."""


@dataclass(frozen=True, slots=True)
class Asides:
    """What is done on the side.

    Args:
        names: requests and statements that are made between answers mostly, or now and then where some answers do
            without them, besides others that answers need.
        needed: those that are made while it answers, where any are made besides.
        connects: whether connections are opened for them alone.
        later: all that is asked of the service is asked between answers, so that no answer says how it went.
        every: seconds from one of these to the next, where all are; none where there are too few to tell.
    """

    names: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    connects: bool = False
    later: bool = False
    every: float | None = None

    def without(self, tried: Iterable[Attempt]) -> list[Attempt]:
        """Return attempts without those on the side, and without what prepared them on the same connection."""
        if not self.names:
            return list(tried)
        kept: list[Attempt] = []
        preludes: defaultdict[int, list[Attempt]] = defaultdict(list)
        besides: dict[int, bool] = {}
        for attempt in tried:
            before = preludes[attempt.connection]
            before.append(attempt)
            if attempt.is_prelude and not attempt.failed:
                continue
            if _is_named(attempt):
                besides[attempt.connection] = attempt.what in self.names
            if not besides.get(attempt.connection):
                kept += before
            before.clear()
        kept += (left for before in preludes.values() for left in before)
        return sorted(kept, key=lambda attempt: attempt.began)


def asides(clean: RunRecord, service: str) -> Asides:
    """Return what a workload asks of a service on the side, as its undisturbed run shows.

    Args:
        clean: an undisturbed run of calls; a job answers nobody, and has no asides.
        service: whose traffic is read.
    """
    if not clean.calls:
        return Asides()
    first = min(call.began for call in clean.calls)
    tried = [a for a in attempts(clean, service) if a.began >= first and _is_named(a)]
    times = [window for window, _ in windows(clean)]
    within, besides = Counter[str](), Counter[str]()
    for attempt in tried:
        is_within = any(began <= attempt.began <= ended for began, ended in times)
        (within if is_within else besides)[attempt.what] += 1
    names = frozenset(
        name
        for name, number in besides.items()
        if number > within[name] or not _in_each(times, [a.began for a in tried if a.what == name])
    )
    needed = frozenset(within.keys() - names)
    if not names:
        return Asides()
    if not needed:
        gaps = [after.began - before.began for before, after in pairwise(tried)]
        return Asides(later=True, every=median(gaps) if len(gaps) > 1 else None)
    own = {attempt.connection for attempt in tried if attempt.what not in names}
    connects = any(attempt.connection not in own for attempt in tried)
    return Asides(names, needed, connects=connects)


def _in_each(times: Iterable[tuple[float, float]], moments: Sequence[float]) -> bool:
    """Tell whether something began in each call: an answer that does without it now and then does not need it."""
    return all(any(began <= moment <= ended for moment in moments) for began, ended in times)


def _is_named(attempt: Attempt) -> bool:
    """Tell whether it says what it is for; what ends a transaction says it no more than what begins one."""
    ends = attempt.what.upper().startswith(_ENDS)
    return not (ends or attempt.is_prelude or attempt.is_cleanup)


def statement(shape: str) -> str:
    """Return the regular expression of statements of a shape, to be searched; of several in one text of the first."""
    known = next(filter(str.strip, _CUT.split(shape)[0].split(";")), "")
    return f"^{_GAP}*" + r".+?".join(re.escape(part) for part in known.split("?")).replace(r"\ ", f"{_GAP}+")
