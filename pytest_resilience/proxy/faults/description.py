"""A fault as the API shows it, every default written out."""

from __future__ import annotations

import dataclasses
from typing import Any

from pytest_resilience.proxy.faults.fault import Fault
from pytest_resilience.proxy.faults.triggers.rows import Rows


def fault_json(fault: Fault, proxy: str) -> dict[str, Any]:
    """Return a fault as the API shows it, every default written out."""
    return {
        "id": fault.id,
        "proxy": proxy,
        "kind": fault.kind.name,
        "attributes": dataclasses.asdict(fault.kind),
        "when": _when_json(fault),
        "times": fault.times,
        "state": str(fault.state),
        "seen": fault.seen,
        "fired": fault.fired,
        "rows_seen": fault.trigger.total if isinstance(fault.trigger, Rows) else None,
        "added_at": fault.added_at,
    }


def _when_json(fault: Fault) -> dict[str, Any]:
    trigger, conditions = fault.trigger, fault.conditions
    when: dict[str, Any] = trigger.as_json()
    if trigger.sided:
        when |= {"side": str(fault.side), "nth": fault.nth}
    when |= {
        "connection": conditions.connection,
        "application_name": conditions.application_name,
        "transaction": conditions.transaction,
        "headers": {name: found.pattern for name, found in conditions.headers.items()},
        "body": None if conditions.body is None else conditions.body.pattern,
    }
    return {name: value for name, value in when.items() if value not in (None, {})}
