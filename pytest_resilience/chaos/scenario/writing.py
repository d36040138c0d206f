"""The text of a scenario file: what exploration finds, for people to read, keep and change."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from pytest_resilience.chaos.scenario.kinds import FAULT_KINDS
from pytest_resilience.chaos.scenario.model import (
    AlertExpectation,
    Check,
    Expectations,
    FaultOrder,
    HttpCheck,
    LogExpectation,
    Scenario,
    SqlCheck,
    When,
)
from pytest_resilience.chaos.scenario.when import trigger_name
from pytest_resilience.chaos.scenario.written import flow, scalar, span

LONGEST_SLUG = 60


def write_scenario(scenario: Scenario, *, comment: str = "") -> str:
    """Return the text of a file that reads back as this scenario.

    Args:
        scenario: what it says.
        comment: what stands above it, for people.
    """
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    lines.append(f"scenario: {scalar(scenario.title)}")
    if scenario.proves:
        lines.append(f"proves: {flow(scenario.proves)}")
    if scenario.runbook is not None:
        lines.append(f"runbook: {scalar(scenario.runbook)}")
    lines.append(f"workload: {scalar(scenario.workload)}")
    if scenario.steady_state:
        lines.append("steady_state:")
        lines += [f"  - {_check(check, scenario)}" for check in scenario.steady_state]
    lines.append("faults:")
    for fault in scenario.faults:
        lines += _fault(fault)
    lines.append("expect:")
    lines += [f"  - {key}: {value}" for key, value in _expected(scenario.expect, scenario)]
    return "\n".join(lines) + "\n"


def slug(title: str) -> str:
    """Return a file's name for a title: small letters, digits and hyphens."""
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")
    if len(words) > LONGEST_SLUG:
        words = words[: LONGEST_SLUG + 1].rpartition("-")[0] or words[:LONGEST_SLUG]
    return words or "scenario"


def _fault(fault: FaultOrder) -> list[str]:
    keys = {
        "on": None if fault.on is None else scalar(fault.on),
        "when": flow(_when(fault.when)),
        "inject": flow(_inject(fault)),
        "for": _for(fault),
    }
    given = [f"{key}: {value}" for key, value in keys.items() if value is not None]
    return [f"  - {given[0]}", *(f"    {line}" for line in given[1:])]


def _when(when: When) -> dict[str, Any]:
    trigger = trigger_name(when)
    value = getattr(when, trigger)
    beside = {
        "table": when.table,
        "side": None if when.side == "request" else when.side,
        "nth": None if when.nth == 1 else when.nth,
        "connection": when.connection,
    }
    return {trigger: span(value) if trigger == "after" else value} | _given(beside)


def _inject(fault: FaultOrder) -> Any:
    durations = {
        attribute.name
        for kind in FAULT_KINDS
        if kind.name == fault.kind
        for attribute in kind.attributes
        if attribute.type in {"duration", "some time", "signed duration"}
    }
    attributes = {
        name: span(value) if name in durations else value for name, value in fault.attributes.items()
    }
    if fault.stream != "downstream":
        attributes["stream"] = fault.stream
    if fault.toxicity != 1.0:
        attributes["toxicity"] = fault.toxicity
    return {fault.kind: attributes} if attributes else fault.kind


def _for(fault: FaultOrder) -> str | None:
    if fault.times is not None:
        return flow({"times": fault.times})
    return None if fault.seconds is None else flow(span(fault.seconds))


def _check(check: Check, scenario: Scenario) -> str:
    if isinstance(check, SqlCheck):
        return f"sql: {_sql(check)}"
    return f"http: {_http(check, scenario)}"


def _sql(check: SqlCheck) -> str:
    return flow({"on": check.on, "query": check.query, "equals": check.equals})


def _http(check: HttpCheck, scenario: Scenario) -> str:
    target = "workload" if check.on == scenario.workload else "on"
    reply = _given({"status": check.status, "body": check.body})
    return flow({target: check.on, "request": check.request} | reply)


def _expected(expect: Expectations, scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Yield keys and values, at least one: the recovery bound, where nothing else is expected."""
    nothing_else = expect == Expectations()
    if expect.exit is not None:
        yield "exit", scalar(expect.exit)
    yield from (("exactly_once", scalar(table)) for table in expect.exactly_once)
    yield from (("sql", _sql(check)) for check in expect.sql)
    yield from (("http", _http(check, scenario)) for check in expect.http)
    yield from (("log", _log(log)) for log in expect.logs)
    yield from (("alert", _alert(alert)) for alert in expect.alerts)
    if expect.recovers_within is not None or nothing_else:
        yield "recovers_within", flow(span(expect.recovery_bound))
    if expect.duration is not None:
        yield "duration", flow(span(expect.duration))
    if expect.no_leak:
        yield "no_leak", "true"


def _log(log: LogExpectation) -> str:
    return flow(_given({"level": log.level, "fields": log.fields or None, "matches": log.matches}))


def _alert(alert: AlertExpectation) -> str:
    if alert.none:
        return "none"
    within = None if alert.within is None else span(alert.within)
    return flow(
        _given(
            {
                "severity": alert.severity,
                "component": alert.component,
                "channel": alert.channel,
                "within": within,
            }
        )
    )


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
