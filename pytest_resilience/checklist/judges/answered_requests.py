"""Requests that calls of a server were answered for: a row that is marked before it is sent is lost by a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from pytest_resilience.chaos.explore.at_once import is_write
from pytest_resilience.chaos.explore.exploration import RESTS_WITHIN
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.points.of_http import changes
from pytest_resilience.chaos.run.exposure import Exposure
from pytest_resilience.chaos.run.record import FaultRecord, Message, RunRecord
from pytest_resilience.checklist.judges.answered_calls import answered, are_alike
from pytest_resilience.checklist.records.attempts import attempts
from pytest_resilience.checklist.records.deliveries import Deliveries, deliveries, missing
from pytest_resilience.checklist.records.seen import Seen
from pytest_resilience.checklist.records.windows import windows


@dataclass(frozen=True, slots=True)
class Promise:
    """What each answered call stands for.

    Args:
        service: one that speaks HTTP.
        what: the request, as in `POST /orders`.
        each: how many of a call.
        sizes: of those of the undisturbed run.
    """

    service: str
    what: str
    each: int
    sizes: tuple[int | None, ...]

    def lost(self, seen: Seen, calls: int) -> int:
        """Return how many are missing where so many calls were answered."""
        owed = Deliveries(each=list(islice(cycle(self.sizes), self.each * calls)))
        got = deliveries(seen, self.service, certain=False).get(self.what, Deliveries())
        return missing(owed, got)


@dataclass(frozen=True, slots=True)
class _Wire:
    messages: Sequence[Message]
    faults: Sequence[FaultRecord]


def promises(clean: CleanRun) -> tuple[Promise, ...]:
    """Return what each answered call of a server stands for at other services.

    That is known where each leaves the same number of requests, none made before its call, and where the server notes
    in a database, between its answers, what it has sent: it means to lose none.
    """
    return tuple(_promises(clean)) if clean.record.calls and _keeps_notes(clean) else ()


def has_kept(clean: CleanRun) -> Callable[[Exposure], bool] | None:
    """Return what tells whether a server has made all requests that its calls were answered for; none if not asked."""
    owed = promises(clean)
    if not owed:
        return None

    def kept(seen: Exposure) -> bool:
        wire, number = _Wire(seen.messages(), seen.faults()), answered(seen.calls, clean.record)
        return not any(promise.lost(wire, number) for promise in owed)

    return kept


def broken_promises(run: RunRecord, clean: CleanRun) -> Iterator[str]:
    """Yield, in words, the requests that calls were answered for and that were lost by a kill.

    Args:
        run: of a server, with a kill.
        clean: the same undisturbed.
    """
    if len(run.processes) < 2:
        return
    number = answered(run.calls, clean.record)
    for promise in promises(clean):
        if lost := promise.lost(run, number):
            yield (
                f"{promise.service} never got {lost} of the {promise.each * number} {promise.what} that "
                f"{number} calls were answered for, within {RESTS_WITHIN:g} s after the last of them"
            )


def _keeps_notes(clean: CleanRun) -> bool:
    """Whether a database is written to between answers."""
    times = [window for window, _ in windows(clean.record)]
    return any(
        is_write(message)
        and message.at > times[0][0]
        and not any(began <= message.at <= ended for began, ended in times)
        for message in clean.record.messages
    )


def _promises(clean: CleanRun) -> Iterator[Promise]:
    calls = clean.record.calls
    if not are_alike(clean.record):
        return
    begins = sorted(call.began for call in calls)
    for service in clean.workload.uses:
        if service in clean.record.states:
            continue
        for what, got in deliveries(clean.record, service, certain=True).items():
            each, rest = divmod(len(got.each), len(calls))
            made = [one.began for one in attempts(clean.record, service) if one.what == what]
            if each and not rest and changes(what) and _none_early(made, begins, each):
                yield Promise(service, what, each, tuple(got.each))


def _none_early(made: Sequence[float], begins: Sequence[float], each: int) -> bool:
    """Whether each request was made after its call began: others were there before, and stand for none."""
    return all(at >= begins[min(number // each, len(begins) - 1)] for number, at in enumerate(made))
