"""What surviving a fault means: the same end, each effect once, nothing torn, nothing left behind, in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Trial
from pytest_resilience.chaos.run.look import State
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.state.difference import difference
from pytest_resilience.chaos.state.exactly_once import judge_exactly_once
from pytest_resilience.chaos.state.postgres import PostgresState
from pytest_resilience.chaos.state.registry import RegistryState
from pytest_resilience.chaos.state.registry_difference import registry_difference


def wrongs(trial: Trial, clean: CleanRun, folder: Path) -> tuple[str, ...]:
    """Say what a run under faults did wrong; nothing where it survived.

    Args:
        trial: the run, its services still there.
        clean: the same workload undisturbed.
        folder: where the configuration's paths start.
    """
    record = trial.record
    return (
        *_blocked(record, clean),
        *_failed(record, clean),
        *_torn_between(record, clean),
        *_end(record, clean),
        *_promises(trial, clean, folder),
        *record.violations,
        *record.leaks,
        *_not_steady(record),
    )


def _blocked(record: RunRecord, clean: CleanRun) -> Iterator[str]:
    for number, process in enumerate(record.processes, 1):
        if process.blocked:
            which = "it" if len(record.processes) == 1 else f"start {number} of it"
            yield f"{which} was still running at its deadline of {clean.workload.deadline:g} s, and had to be killed"
    open_calls = [call for call in record.calls if call.ended is None]
    if open_calls:
        yield f"{len(open_calls)} of its calls never came back"


def _failed(record: RunRecord, clean: CleanRun) -> Iterator[str]:
    declaration = clean.workload
    healed = max((fault.healed_at or 0.0 for fault in record.faults), default=0.0)
    if declaration.shape == "server":
        after = [call for call in record.calls if call.began >= healed]
        if declaration.drive is not None and not any(call.outcome.startswith("2") for call in after):
            yield f"none of its {len(after)} answers after the fault had healed was a success"
        return
    if declaration.shape == "function":
        last = record.calls[-1] if record.calls else None
        if declaration.calls > 1 and last is not None and last.outcome != "ok" and last.began >= healed:
            yield "its last call, after the fault had healed, raised as well"
        return
    if declaration.resume == "rerun" and record.exit_code != 0:
        starts = len(record.processes)
        yield f"it did not come back: its last start, number {starts}, ended with status {record.exit_code}"


def _torn_between(record: RunRecord, clean: CleanRun) -> Iterator[str]:
    """After a process has ended, the tables are as at a commit boundary of the undisturbed run."""
    if not clean.record.boundaries_complete:
        return
    for number, states in enumerate(record.states_between, 1):
        for service, state in states.items():
            known = clean.record.boundaries.get(service)
            if known and state not in known and isinstance(state, PostgresState):
                nearest = min(known, key=lambda other, state=state: len(difference(other, state)))  # type: ignore[misc]
                words = "; ".join(difference(nearest, state)[:3])
                yield (
                    f"after start {number} of it had ended, {service} was as at no commit boundary of the "
                    f"undisturbed run; the nearest differs so: {words}"
                )


def _end(record: RunRecord, clean: CleanRun) -> Iterator[str]:
    """At the end everything is as without the fault, or, where nobody starts it again, as before."""
    for service, seen in record.states.items():
        expected = clean.record.states.get(service)
        if expected is None or seen == expected:
            continue
        if not _has_to_finish(record, clean) and _is_before(seen, service, clean):
            continue
        words = "; ".join(_told(expected, seen)[:4])
        reported = " although it reported success" if record.exit_code == 0 else ""
        yield f"{service} did not end as without the fault{reported}: {words}"


def _has_to_finish(record: RunRecord, clean: CleanRun) -> bool:
    return clean.workload.resume == "rerun" or record.exit_code == 0


def _is_before(seen: State, service: str, clean: CleanRun) -> bool:
    return seen == clean.begin.get(service)


def _told(expected: State, seen: State) -> tuple[str, ...]:
    if isinstance(expected, PostgresState) and isinstance(seen, PostgresState):
        return difference(expected, seen)
    if isinstance(expected, RegistryState) and isinstance(seen, RegistryState):
        return registry_difference(expected, seen)
    return ("it is of another kind",)


def _promises(trial: Trial, clean: CleanRun, folder: Path) -> Iterator[str]:
    if not _has_to_finish(trial.record, clean):
        return
    for promise in clean.workload.exactly_once:
        dsn = trial.look.dsn(promise.service)
        expected = clean.keys.get(promise.table)
        yield from judge_exactly_once(dsn, promise, folder=folder, expected=expected)


def _not_steady(record: RunRecord) -> Iterator[str]:
    for check in record.after:
        if not check.held:
            yield f"the steady state did not come back: {check.check}: {check.seen}"
