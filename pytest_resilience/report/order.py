"""The order in which people read evidence: what is worst first, and of that what touches data."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_resilience.checklist.verdict import Evidence

_OUTCOMES = ("failed", "unproven", "passed", "not-applicable")
_ABOUT_DATA = ("resilience::transactions::", "resilience::checkpoints::")
_OF_THE_TEAM = ("scenario ", "test ")


def in_order(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return failed evidence, unproven, passed with warnings, passed, and what does not apply.

    Of one outcome, our own experiments about data come first, the team's scenarios and tests last; else nothing moves.
    """
    return tuple(sorted(evidence, key=_rank))


def _rank(evidence: Evidence) -> tuple[int, bool, int]:
    if evidence.subject.startswith(_OF_THE_TEAM):
        origin = 2
    else:
        origin = int(not any(each in evidence.replay for each in _ABOUT_DATA))
    return _OUTCOMES.index(evidence.outcome), not evidence.warnings, origin
