"""What surviving a fault means: the same end, each effect once, nothing torn, nothing left behind, in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_resilience.chaos.explore.wholeness import has_operations, wrong_state
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.trial import Trial
from pytest_resilience.chaos.run.look import Look
from pytest_resilience.chaos.run.record import CallRecord, RunRecord
from pytest_resilience.chaos.state.exactly_once import judge_exactly_once


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
        *_states(record, clean),
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
    if open_calls := unanswered(record):
        yield f"{len(open_calls)} of its calls never came back"


def unanswered(record: RunRecord) -> tuple[CallRecord, ...]:
    """Return the calls that never came back, but for those of a process that a fault killed.

    Nobody could wait for these. Those in the gap until it is started again are of them: a request that is refused may
    be given up before that is noticed.
    """
    return tuple(call for call in record.calls if call.ended is None and not _was_killed(call, record))


def _was_killed(call: CallRecord, record: RunRecord) -> bool:
    starts = [process for process in record.processes if process.began <= call.began]
    return bool(starts) and starts[-1].killed


def _failed(record: RunRecord, clean: CleanRun) -> Iterator[str]:
    declaration = clean.workload
    if declaration.resume == "none" and record.processes and record.processes[-1].killed:
        return  # nobody starts it again
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


def _states(record: RunRecord, clean: CleanRun) -> Iterator[str]:
    for service in record.states:
        if service not in clean.record.states:
            continue
        wrong = wrong_state(
            record,
            clean=clean.record,
            workload=clean.workload,
            service=service,
            begin=clean.begin.get(service),
        )
        if wrong is not None:
            yield f"{service}: {wrong.words}"


def _promises(trial: Trial, clean: CleanRun, folder: Path) -> Iterator[str]:
    record = trial.record
    finished = record.exit_code == 0 and all(call.outcome == "ok" for call in record.calls)
    if not (clean.workload.resume == "rerun" or finished) or (
        has_operations(clean.workload) and not finished
    ):
        return
    yield from broken_promises(trial.look, clean, folder)


def broken_promises(look: Look, clean: CleanRun, folder: Path) -> Iterator[str]:
    """Yield what is lost, doubled, or too much now in the tables that are promised to have each key once."""
    for promise in clean.workload.exactly_once:
        dsn = look.dsn(promise.service)
        expected, before = clean.keys.get(promise.table), clean.keys_before.get(promise.table)
        yield from judge_exactly_once(dsn, promise, folder=folder, expected=expected, before=before)


def _not_steady(record: RunRecord) -> Iterator[str]:
    for check in record.after:
        if not check.held:
            yield f"the steady state did not come back: {check.check}: {check.seen}"
