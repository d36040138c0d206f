"""A scenario as data: what its file says, checked, with durations in seconds and every default written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pytest_resilience.chaos.network_kinds import Stream
from pytest_resilience.chaos.trigger import Side

Scalar: TypeAlias = str | int | float | bool | None

RECOVERY_BOUND = 10.0
"""Seconds from heal within which the steady state holds again, where a scenario does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What has to happen for a fault to act: exactly one of the first six.

    Args:
        start: at once, before the workload starts.
        after: seconds from the workload's first connection.
        rows: after so many rows of `table`, or of all tables.
        message: a command tag or a protocol message.
        sql: a regular expression, searched ignoring case.
        request: method and path template.
        table: narrows `rows`.
        side: `request`, the server never gets it; `reply`, the client never hears of it.
        nth: the first match that is hit, from 1, counted over all restarts.
        connection: only on this connection, from 1, counted over all restarts.
    """

    start: bool = False
    after: float | None = None
    rows: int | None = None
    message: str | None = None
    sql: str | None = None
    request: str | None = None
    table: str | None = None
    side: Side = "request"
    nth: int = 1
    connection: int | None = None

    @property
    def is_at_message(self) -> bool:
        """Whether a message on the wire has to pass for it."""
        return not self.start and self.after is None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOrder:
    """One fault as ordered: on what, when, which, for how long.

    Args:
        on: the service, or the workload for process faults; none where the kind acts on the workload.
        when: its trigger.
        kind: the fault kind.
        attributes: its own, durations in seconds, defaults left out.
        seconds: heals after so long; none as `times` says, or by default.
        times: matched messages, or connections for network faults; none as `seconds` says, or by default.
        stream, toxicity: of the network faults.
    """

    on: str | None
    when: When
    kind: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    times: int | None = None
    stream: Stream = "downstream"
    toxicity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlCheck:
    """A query with one cell, and what it has to be."""

    on: str
    query: str
    equals: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCheck:
    """A request, and what its reply has to be.

    Without `status` it is any below 400; `body` is a regular expression that is searched.
    """

    on: str
    request: str
    status: int | None = None
    body: str | None = None


Check: TypeAlias = SqlCheck | HttpCheck
"""What a steady state is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogExpectation:
    """A record of at least `level`, with these fields and a match of the expression, after the first receipt."""

    level: str | None = None
    fields: tuple[str, ...] = ()
    matches: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertExpectation:
    """An alert within so many seconds of the first receipt; with `none`, no alert at all."""

    none: bool = False
    severity: str | None = None
    component: str | None = None
    channel: str | None = None
    within: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What has to be true of the run.

    Args:
        exit: a status, or `nonzero`; none does not ask.
        exactly_once: tables that are declared so.
        sql, http, logs, alerts: checks after the end (`http`: after heal).
        recovers_within: seconds from heal to the steady state; none where the file does not say.
        duration: seconds that the whole run takes at most.
        no_leak: whether connections, transactions, locks and child processes left behind are judged.
    """

    exit: int | Literal["nonzero"] | None = None
    exactly_once: tuple[str, ...] = ()
    sql: tuple[SqlCheck, ...] = ()
    http: tuple[HttpCheck, ...] = ()
    logs: tuple[LogExpectation, ...] = ()
    alerts: tuple[AlertExpectation, ...] = ()
    recovers_within: float | None = None
    duration: float | None = None
    no_leak: bool = False

    @property
    def recovery_bound(self) -> float:
        """Seconds from heal in which recovery is waited for, said or not."""
        return RECOVERY_BOUND if self.recovers_within is None else self.recovers_within


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A promise about a workload under faults.

    Args:
        title: the sentence under `scenario`.
        file: where it stands; none where it was made by exploration.
        workload: its declared name.
        proves: ids of checklist items.
        runbook: relative to the configuration's folder.
        steady_state: holds before, and again after.
        faults, expect: what is broken, and what has to be true.
    """

    title: str
    workload: str
    file: Path | None = None
    proves: tuple[str, ...] = ()
    runbook: str | None = None
    steady_state: tuple[Check, ...] = ()
    faults: tuple[FaultOrder, ...] = ()
    expect: Expectations = field(default_factory=Expectations)
