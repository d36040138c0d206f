"""What faults may do to a service's state: as at some commit meanwhile, at the end as without them, or as before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.explore.at_once import writers_at_once
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.state.difference import count, difference
from pytest_resilience.chaos.state.postgres import PostgresState
from pytest_resilience.chaos.state.registry import RegistryState
from pytest_resilience.chaos.state.registry_difference import registry_difference

Break: TypeAlias = Literal["torn", "reported", "recovered", "half"]
"""Which rule was broken: no commit's state; success was reported; after the recovery; neither before nor after."""
TOLD = 3
"""Differences that are told; the others are counted."""


@dataclass(frozen=True, slots=True)
class WrongState:
    """A state that no fault excuses.

    Args:
        broken: which rule.
        words: what is wrong with it.
    """

    broken: Break
    words: str


def wrong_state(
    run: RunRecord, *, clean: RunRecord, workload: WorkloadDeclaration, service: str, begin: Any = None
) -> WrongState | None:
    """Return what is wrong with the state in which faults left a service; none where it is as it has to be.

    Args:
        run: with faults; its states before each restart, and at the end, are read.
        clean: the undisturbed run, with its commit boundaries.
        workload: the code under test.
        service: the service.
        begin: its state at the beginning; by default as at the first commit boundary.
    """
    boundaries = clean.boundaries.get(service, ())
    begin = boundaries[0] if begin is None and boundaries else begin
    end = clean.states[service]
    seen = _comparable(run.states[service], end)
    ordered = boundaries if knows_order(clean, service) else ()
    if ordered and not has_operations(workload):
        for between in _before_restarts(run, service):
            if between not in (*ordered, end):
                return WrongState("torn", at_no_commit((*ordered, end), between))
    if seen == end:
        return None
    if has_operations(workload):
        return _after_operations(run, workload, (*boundaries, end), seen)
    if run.exit_code == 0 and not any(call.outcome != "ok" for call in run.calls):
        return WrongState("reported", f"success was reported, but {in_words(end, seen)}")
    if workload.resume == "rerun":
        restarts = count(len(run.processes) - 1, "restart")
        return WrongState("recovered", f"after {restarts} {in_words(end, seen)}")
    as_before = _comparable(run.states[service], begin) == begin
    return None if as_before else _half(ordered, end, seen)


def knows_order(clean: RunRecord, service: str) -> bool:
    """Tell whether the states at the commits of an undisturbed run are all that a cut may leave behind.

    Connections that write at the same time may commit in another order each time.
    """
    return clean.boundaries_complete and writers_at_once(clean, service) < 2


def has_operations(workload: WorkloadDeclaration) -> bool:
    """Tell whether it does several things in one run, each for itself: one may fail and the others not."""
    return workload.shape == "server" or (workload.shape == "function" and workload.calls > 1)


def in_words(expected: Any, seen: Any) -> str:
    """Return what is other in `seen`, without data; empty where they are equal, or a registry has more runs alone."""
    seen = _comparable(seen, expected)
    if expected == seen:
        return ""
    told: tuple[str, ...] = ()
    if isinstance(expected, PostgresState) and isinstance(seen, PostgresState):
        told = difference(expected, seen)
    elif isinstance(expected, RegistryState) and isinstance(seen, RegistryState):
        told = registry_difference(expected, seen)
    more = f"; {len(told) - TOLD} more differences" if len(told) > TOLD else ""
    return "; ".join(told[:TOLD]) + more if told else "the state differs"


def _comparable(seen: Any, expected: Any) -> Any:
    if isinstance(seen, RegistryState) and isinstance(expected, RegistryState):
        return seen.without_more_runs(expected)
    return seen


def _before_restarts(run: RunRecord, service: str) -> Iterator[Any]:
    """Yield the states between two starts; what the last one left is the end."""
    for states in run.states_between[: len(run.processes) - 1]:
        yield states.get(service)


def _half(boundaries: Sequence[Any], end: Any, seen: Any) -> WrongState:
    known = (*boundaries, end)
    if boundaries and seen not in known:
        return WrongState("torn", at_no_commit(known, seen))
    return WrongState("half", f"it ended neither as before nor as after: {in_words(end, seen)}")


def at_no_commit(known: Sequence[Any], seen: Any) -> str:
    """Return in what a state is other than the nearest known one."""
    nearest = min((in_words(state, seen) for state in known), key=len)
    return f"after the cut the tables are as at no commit of the undisturbed run; the nearest differs so: {nearest}"


def _after_operations(
    run: RunRecord, workload: WorkloadDeclaration, known: Sequence[Any], seen: Any
) -> WrongState | None:
    """Judge what is left of several operations, some of which may have failed.

    How many requests a server gets differs from run to run, so nothing is said of the rows of one.
    """
    if workload.shape == "server":
        return None
    if run.calls and all(call.outcome == "ok" for call in run.calls):
        return WrongState("reported", f"success was reported, but {in_words(known[-1], seen)}")
    strange = "; ".join(_never_seen(known, seen))
    return WrongState("half", f"calls left what no undisturbed call leaves: {strange}") if strange else None


def _never_seen(known: Sequence[Any], seen: Any) -> Iterator[str]:
    """Yield the tables with rows that they have, or have so often, in no known state."""
    if not isinstance(seen, PostgresState):
        return
    for name, table in seen.tables.items():
        others = [state.tables[name].rows for state in known if name in state.tables]
        if table.rows is None or not others or None in others:
            continue
        most: Counter[tuple[int, int]] = Counter()
        for rows in others:
            most |= Counter(rows)
        strange = Counter(table.rows) - most
        if strange:
            yield f"{name}: {count(strange.total(), 'row')} doubled or not expected"
