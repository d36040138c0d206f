"""What was seen of one run: processes, messages, receipts, alerts, states; the judges read this and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.scenario.model import Check, FaultOrder
from pytest_resilience.chaos.state.held import Held
from pytest_resilience.chaos.trigger import Side

Channel: TypeAlias = Literal["pagerduty", "slack", "email", "rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message on the wire, as the proxy saw it; times are seconds since the run began.

    Args:
        at: when it passed.
        service: between the workload and which service.
        connection: which connection of the run to it, from 1.
        side: `request`, `reply`, or `-` for a notice (`connected`, `closed`, a fault's stroke).
        message: protocol message, or method and path without identifiers, or status line.
        shape: the SQL with every literal as `?`, the path template, a command tag, an error's code.
        transaction: `I` idle, `T` open, `E` failed; PostgreSQL replies alone.
        fault: the id of the fault that struck it.
        keyed: whether an HTTP request carried an idempotency key; none where nobody looked.
        target: the same for the same HTTP request tried again, by its key or what it asks for; none where unknown.
        body: how many bytes the body of an HTTP request has, where its head says it.
    """

    at: float
    service: str
    connection: int
    side: Side | Literal["-"]
    message: str
    shape: str | None = None
    count: int = 1
    transaction: str | None = None
    fault: str | None = None
    keyed: bool | None = None
    target: str | None = None
    body: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """One start of the workload.

    Args:
        began, ended: seconds since the run began; `ended` is none where it had to be ended by us.
        exit_code: its status, 128 + N after signal N.
        stdout, stderr: what it wrote.
        killed: whether a fault of ours killed it.
        blocked: whether it had not ended at its deadline.
        told_to_end: whether we ended it: a server, when it had served long enough.
    """

    began: float
    ended: float | None
    exit_code: int | None
    stdout: str = ""
    stderr: str = ""
    killed: bool = False
    blocked: bool = False
    told_to_end: bool = False

    @property
    def ended_by_itself(self) -> bool:
        """Whether nobody ended it: neither a fault of ours nor we, when its time was over."""
        return self.ended is not None and not (self.told_to_end or self.killed)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call of a function, or one request to a server.

    Args:
        number: from 1.
        began, ended: seconds since the run began; `ended` is none where it never came back.
        outcome: `ok`, `raised` (a function's exception, or a request that failed), `blocked` (it never came back), or
            the HTTP status as text.
        error: the exception's class with its module, and its causes', outermost first.
        message: the exception's text, or the reply's body (shortened).
        facts: of an exception: `sqlstate`, `status`, `errno` where one along the causes has it, `causes` (the texts of
            the causes), `attributes` (its own, simple ones).
    """

    number: int
    began: float
    ended: float | None
    outcome: str
    error: tuple[str, ...] = ()
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        """Whether it came back with a result."""
        if self.ended is None:
            return False
        return self.outcome == "ok" or (self.outcome.isdigit() and int(self.outcome) < 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of the workload's log.

    Args:
        at: seconds since the run began when it was read, or by its own timestamp where it has one.
        text: the line.
        record: its facts where it parses (JSON or logfmt).
    """

    at: float
    text: str
    record: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """One thing that reached an alert endpoint, or that a rule on log lines raises elsewhere.

    Args:
        at: seconds since the run began.
        channel: which endpoint, or `rule`.
        body: what was sent; an e-mail as `{"subject", "from", "to", "text"}`.
        rejected: why the endpoint refused it; none where it was accepted.
    """

    at: float
    channel: Channel
    body: Mapping[str, Any]
    rejected: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRecord:
    """One ordered fault, and what it hit.

    Args:
        order: as ordered.
        receipts: the proof; empty where it never fired.
        injected_at, healed_at: seconds since the run began.
        impossible: why it could not be made here; none where it could.
        id: what `Message.fault` of its service calls it; none where it strikes no messages.
        rows_seen: how many rows its trigger has counted; none where it fired, or counts none.
    """

    order: FaultOrder
    receipts: tuple[Receipt, ...] = ()
    injected_at: float | None = None
    healed_at: float | None = None
    impossible: str | None = None
    id: str | None = None
    rows_seen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """One check of a steady state: what it was, whether it held, what was seen instead."""

    check: str
    held: bool
    seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run.

    Args:
        workload: its name.
        processes: each start, in order.
        calls: of a function or a server.
        messages: of all services, in order.
        faults: as ordered, with their receipts.
        logs, alerts: in order.
        alerts_healed_at: when the alert endpoints came back; none where they were never dead.
        before, after: the checks of the steady state; `recovered_at` is when it held again.
        states: by service, its tables or registry at the end (see `chaos.state`).
        states_between: the same after each start of the workload, before the next.
        boundaries: by service, its states at the commit boundaries, where they were looked at.
        boundaries_complete: whether none of these is missing.
        answers: of the expected checks, asked after heal while the workload still served.
        violations: where an `atomic` statement was not true during the run, in words.
        leaks: what was left behind, in words.
        held: by database, what it held while it was alive and asked nothing; nothing where nobody looked.
        given_away: planted secrets and patients' data that stand in what it said: which, and where.
        bypasses: sockets that went straight to a declared service, in words.
        outside: servers that it was connected to and that no service is declared for, `host:port`.
        duration: the whole run, seconds as the workload counts them (times the time scale).
        real_duration: by our clock.
        time_scale: how much faster waits ran.
        untweaked: why what was to be changed inside the workload was not; none where it was, or nothing was to be.
        escaped: what was out of reach of these changes, in words.
        notes: what else a reader has to know.
    """

    workload: str
    processes: tuple[ProcessRecord, ...] = ()
    calls: tuple[CallRecord, ...] = ()
    messages: tuple[Message, ...] = ()
    faults: tuple[FaultRecord, ...] = ()
    logs: tuple[LogLine, ...] = ()
    alerts: tuple[AlertRecord, ...] = ()
    alerts_healed_at: float | None = None
    before: tuple[CheckRecord, ...] = ()
    after: tuple[CheckRecord, ...] = ()
    recovered_at: float | None = None
    states: Mapping[str, Any] = field(default_factory=dict)
    states_between: tuple[Mapping[str, Any], ...] = ()
    boundaries: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    boundaries_complete: bool = True
    answers: Mapping[Check, CheckRecord] = field(default_factory=dict)
    violations: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    held: Mapping[str, Held] = field(default_factory=dict)
    given_away: tuple[tuple[str, str], ...] = ()
    bypasses: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    duration: float = 0.0
    real_duration: float = 0.0
    time_scale: float = 1.0
    untweaked: str | None = None
    escaped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int | None:
        """The last process's status."""
        return self.processes[-1].exit_code if self.processes else None

    @property
    def first_receipt(self) -> float | None:
        """When the first fault fired, seconds since the run began."""
        times = [receipt.at for fault in self.faults for receipt in fault.receipts]
        return min(times, default=None)
