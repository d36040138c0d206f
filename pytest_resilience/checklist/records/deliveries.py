"""What a workload had HTTP services change, and how much of it they have got: which requests, how many bytes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pytest_resilience.chaos.points.of_http import READS, changes
from pytest_resilience.checklist.records.attempts import REFUSING, Attempt, attempts
from pytest_resilience.checklist.records.seen import Seen

_OVERWRITING = frozenset({"PUT", "DELETE"})
"""Methods of which a second request changes nothing that the first did not (RFC 9110, 9.2.2)."""
_PASSING = frozenset({None, "delay", "slow"})
"""Faults that let a request through, and none."""


_SETS = re.compile(r"/mlflow/(?!.*/create$)")
"""MLflow's interface: all but `create` sets what it names to what it says, so that a second time changes nothing."""


def may_be_sent_again(path: str) -> bool:
    """Tell whether a path says that what is sent to it does no more the second time."""
    return any(names.search(path) for names in (READS, _SETS))


@dataclass(slots=True)
class Deliveries:
    """The requests of one kind that a service has got.

    Args:
        each: the size of each that counts: of those with one idempotency key, or overwriting the same, one does.
        targets: the size of each thing that was asked for, however often it was.
        keyed: whether all carry an idempotency key.
    """

    each: list[int | None] = field(default_factory=list)
    targets: dict[str, int | None] = field(default_factory=dict)
    keyed: bool = True

    def add(self, attempt: Attempt) -> None:
        """Count a request."""
        method, target = attempt.what.partition(" ")[0], attempt.target or ""
        if target not in self.targets or not (attempt.keyed or method in _OVERWRITING):
            self.each.append(attempt.body)
        self.targets[target] = attempt.body
        self.keyed = self.keyed and attempt.keyed is True


def deliveries(run: Seen, service: str, *, certain: bool) -> Mapping[str, Deliveries]:
    """Return what a service was asked to change, by method and path.

    Args:
        run: over all its starts.
        service: one that speaks HTTP.
        certain: count those alone that it has done, not those that went out and may have been done.
    """
    found: dict[str, Deliveries] = defaultdict(Deliveries)
    for attempt in attempts(run, service):
        if changes(attempt.what) and (_done(attempt) or not (certain or _lost(attempt))):
            found[attempt.what].add(attempt)
    return found


def _done(attempt: Attempt) -> bool:
    """Tell whether the service answered with success, whoever heard of it."""
    return attempt.side == "reply" or (attempt.succeeded and attempt.kind not in REFUSING)


def _lost(attempt: Attempt) -> bool:
    """Tell whether a request never came to the service, or was refused there."""
    return not attempt.unanswered or attempt.kind not in _PASSING


def missing(undisturbed: Deliveries, got: Deliveries) -> int:
    """Return how many requests of the undisturbed run the service never got; 0 where others carry as much."""
    return max(
        _missing(undisturbed.each, got.each),
        _missing(list(undisturbed.targets.values()), list(got.targets.values())),
    )


def surplus(undisturbed: Deliveries, got: Deliveries) -> int:
    """Return how many requests more the service has done; 0 where they carry no more than in the undisturbed run."""
    return _missing(got.each, undisturbed.each)


def _missing(more: list[int | None], fewer: list[int | None]) -> int:
    """Compare numbers, and sizes where all are known: what was not sent may come with the next, in one request."""
    number = len(more) - len(fewer)
    if number <= 0:
        return 0
    large, small = list(_known(more)), list(_known(fewer))
    if sum(large) == 0 or len(large) < len(more) or len(small) < len(fewer):
        return number
    usual = sum(large) / len(large)
    return number if sum(large) - sum(small) > number * usual / 2 else 0


def _known(sizes: list[int | None]) -> Iterator[int]:
    return (size for size in sizes if size is not None)
