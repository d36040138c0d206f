"""The clean run of a workload: what it does undisturbed, which everything else is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.points.of_http import http_request
from pytest_resilience.chaos.points.recording import Recording
from pytest_resilience.chaos.run.look import State
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.state.exactly_once import KeySet
from pytest_resilience.chaos.workload.log_lines import last_said


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRun:
    """A workload undisturbed.

    Args:
        workload: its declaration.
        record: what was seen.
        recording: its fault points.
        begin: the services' states before it.
        mask: columns that are no part of states: those declared, and those that differ between two clean runs.
        unstable: the latter alone.
        varying: services and HTTP requests to them, as in `POST /items`, whose number differs between two clean runs.
        keys: by table, the keys of `exactly_once` tables at the end, where no file names them.
        keys_before: by table, those at the beginning, where a file does.
        identifiers: what tells in its databases, at the end, who a patient is, by where it stands.
        why_not: why it did not work; none where it did.
    """

    workload: WorkloadDeclaration
    record: RunRecord
    recording: Recording
    begin: Mapping[str, State] = field(default_factory=dict)
    mask: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    varying: frozenset[tuple[str, str]] = frozenset()
    keys: Mapping[str, KeySet] = field(default_factory=dict)
    keys_before: Mapping[str, KeySet] = field(default_factory=dict)
    identifiers: Mapping[str, str] = field(default_factory=dict)
    why_not: str | None = None


def varying_requests(first: RunRecord, second: RunRecord) -> frozenset[tuple[str, str]]:
    """Return the services and the HTTP requests to them whose number differs between two runs of the same."""
    one, other = (
        Counter(
            (message.service, request)
            for message in run.messages
            if message.side == "request" and (request := http_request(message)) is not None
        )
        for run in (first, second)
    )
    return frozenset(request for request in one.keys() | other.keys() if one[request] != other[request])


def keeps_its_pace(record: RunRecord) -> bool:
    """Whether a `time_scale` is nothing for a workload: it is not in Python, or busy for as long as it may wait."""
    return record.untweaked is not None or any(process.blocked for process in record.processes)


def why_not(declaration: WorkloadDeclaration, record: RunRecord) -> str | None:
    """Return why an undisturbed run did not work; none where it did."""
    name = declaration.name
    last = record.processes[-1] if record.processes else None
    if last is None:
        return f"workload {name} was never started"
    if last.blocked:
        return f"workload {name} was still running at its deadline of {declaration.deadline:g} s, undisturbed"
    if declaration.shape == "server":
        return _why_server_not(name, record)
    raised = next((call for call in record.calls if call.outcome != "ok"), None)
    if raised is not None:
        what = raised.error[0] if raised.error else raised.outcome
        return f"call {raised.number} of workload {name} raised {what}, undisturbed"
    if record.exit_code != 0:
        return f"workload {name} ended with status {record.exit_code}, undisturbed{_last_words(last.stderr)}"
    return None


def _why_server_not(name: str, record: RunRecord) -> str | None:
    if not record.calls:
        return None
    failed = [call for call in record.calls if not call.outcome.startswith(("2", "3"))]
    if failed:
        return f"workload {name} answered {failed[0].outcome} to request {failed[0].number}, undisturbed"
    return None


def _last_words(stderr: str) -> str:
    said = last_said(stderr)
    return f": {said[:200]}" if said else ""
