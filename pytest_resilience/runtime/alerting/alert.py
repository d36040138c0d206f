"""An alert: what is wrong, where, how badly; already redacted, ready to be stored and sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_resilience.errors import Severity

Action = Literal["trigger", "acknowledge", "resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert, or the digest of many.

    Args:
        uid: its own id, the same on all channels and in all tries.
        severity: `CRITICAL`, `HIGH`, `MEDIUM` or `LOW`.
        component: the part of the system.
        message: one paragraph.
        details: more facts, as plain JSON.
        dedup_key: repeats of one problem share it.
        action: `trigger`; or `acknowledge`, `resolve` what was triggered under the same key.
        created: seconds since the epoch.
        count: how many alerts it stands for.
    """

    uid: str
    severity: str
    component: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
    dedup_key: str
    action: Action = "trigger"
    created: float
    count: int = 1


def known_severity(severity: str) -> Severity:
    """Return the severity of that name, whatever its case; anything unknown is HIGH, the safer guess."""
    try:
        return Severity(str(severity).upper())
    except ValueError:
        return Severity.HIGH
