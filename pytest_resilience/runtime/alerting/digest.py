"""One alert that stands for many: how many there were of each kind, and what a few of them said."""

from __future__ import annotations

import sqlite3

from pytest_resilience.clock import Clock
from pytest_resilience.errors import Severity
from pytest_resilience.runtime.alerting.alert import Alert
from pytest_resilience.runtime.alerting.outbox import Outbox

MAX_KINDS = 20
"""Pairs of severity and component that are named; the rest is a number."""

MAX_SAMPLES = 5
"""Messages that are quoted."""

_OWNED = "from deliveries d join alerts a on a.id = d.alert where d.owner = ? and d.state = 'pending'"


def digest_of(outbox: Outbox, owner: str, *, clock: Clock) -> Alert:
    """Return the digest of all deliveries that have this owner; there is at least one."""
    kinds, samples = outbox.commits.read(lambda connection: _facts(connection, owner))
    total = sum(number for _, _, number in kinds)
    named = ", ".join(
        f"{number} x {severity}/{component}" for severity, component, number in kinds[:MAX_KINDS]
    )
    more = f" and {len(kinds) - MAX_KINDS} more kinds" if len(kinds) > MAX_KINDS else ""
    components = {component for _, component, _ in kinds}
    worst = min((severity for severity, _, _ in kinds), key=[*map(str, Severity)].index)
    return Alert(
        uid=owner,
        severity=worst,
        component=components.pop() if len(components) == 1 else "several",
        message=f"{total} alerts at once: {named}{more}",
        details={"samples": samples},
        dedup_key=f"storm/{worst}/{'/'.join(sorted(components))[:100]}",
        created=clock.time(),
        count=total,
    )


def _facts(connection: sqlite3.Connection, owner: str) -> tuple[list[tuple[str, str, int]], list[str]]:
    kinds = connection.execute(
        f"select a.severity, a.component, count(*) {_OWNED} group by 1, 2 order by 3 desc",
        (owner,),
    ).fetchall()
    samples = connection.execute(f"select distinct a.message {_OWNED} limit {MAX_SAMPLES}", (owner,))
    return kinds, [message[:200] for (message,) in samples]
