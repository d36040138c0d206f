"""The deliveries of one channel: taken under a lease, and marked as sent only after the receipt.

Leases are measured on the machine's monotonic clock, which all its processes share and no clock step moves; a lease
that ends later than any could is from before a reboot, and counts as over.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_resilience.clock import Clock
from pytest_resilience.runtime.alerting.alert import Alert
from pytest_resilience.runtime.alerting.outbox import Outbox, count
from pytest_resilience.runtime.alerting.real_time import REAL_TIME

LEASE = 15.0
"""Seconds after which a claimed delivery is free again: longer than a delivery may take."""

IMPOSSIBLE = 10 * LEASE
"""Seconds ahead at which no lease can end, however long ago its transaction was told the time."""

MAX_ATTEMPTS = 3_000
"""Attempts after which a delivery is given up: a day at the longest delay. Other channels have the alert by then."""

CHUNK = 2_000
"""Rows that one transaction changes at most, so that no caller waits long behind it."""

_FREE = "(owner is null or lease <= :now or lease > :now + :most)"
_NEXT = f"""
    select id from deliveries d where channel = :channel and state = 'pending' and urgent >= :urgent and {_FREE}
    and not exists (select 1 from deliveries e where e.channel = d.channel and e.dedup_key = d.dedup_key
                    and e.state = 'pending' and e.id < d.id)
    order by urgent desc, attempts, id limit 1
"""  # noqa: S608 - put together from constants
_ALERT = (
    "select uid, severity, component, message, details, dedup_key, action, created from alerts where id = ?"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be sent now; its deliveries are nobody else's for the time of the lease."""

    owner: str
    alert: Alert


class Deliveries:
    """Take, mark and hand over the deliveries of one channel.

    Args:
        outbox: holds them.
        channel: the channel's name.
        clock: measures leases.
    """

    def __init__(self, outbox: Outbox, channel: str, *, clock: Clock = REAL_TIME) -> None:
        self._commits = outbox.commits
        self._channel = channel
        self._clock = clock

    def claim(self, *, only_urgent: bool = False) -> Claim | None:
        """Take the next: CRITICAL first, then the least tried, then the oldest; of one key always the oldest."""
        owner = uuid.uuid4().hex
        values = self._values(owner) | {"urgent": int(only_urgent)}
        if self._commits.read(lambda connection: connection.execute(_NEXT, values).fetchone()) is None:
            return None

        def take(connection: sqlite3.Connection) -> Claim | None:
            taken = connection.execute(
                f"update deliveries set owner = :owner, lease = :until where id = ({_NEXT}) returning alert",  # noqa: S608 - constants
                values,
            ).fetchone()
            return Claim(owner, _alert(connection, taken[0])) if taken else None

        return self._commits.run(take)

    def claim_crowd(self) -> str | None:
        """Take all that are not urgent, and return the owner that they have now; None if there are none."""
        owner = uuid.uuid4().hex
        values = self._values(owner)
        some = (
            f"update deliveries set owner = :owner, lease = :until where id in (select id from deliveries"  # noqa: S608 - constants
            f" where channel = :channel and state = 'pending' and urgent = 0 and {_FREE}"
            f" and (owner is null or owner != :owner) limit {CHUNK})"
        )
        return owner if self._in_chunks(some, values) else None

    def crowd_is_larger_than(self, size: int) -> bool:
        """Tell whether more than so many wait that are not urgent."""
        query = (
            "select count(*) from (select 1 from deliveries"
            " where channel = ? and state = 'pending' and urgent = 0 limit ?)"
        )
        values = (self._channel, size + 1)
        return bool(self._commits.read(lambda it: it.execute(query, values).fetchone()[0]) > size)

    def let_go(self, owner: str) -> None:
        """Free what was taken and not marked, for whoever comes next; it may be delivered twice."""
        freed = (
            f"update deliveries set owner = null, lease = 0 where id in"  # noqa: S608 - constants
            f" (select id from deliveries where owner = :owner and state = 'pending' limit {CHUNK})"
        )
        self._in_chunks(freed, {"owner": owner})

    def sent(self, owner: str) -> None:
        """Record the receipt."""
        self._commits.run(lambda connection: self._keep_incidents(connection, owner))
        self._finish(owner, "sent")

    def refused(self, owner: str) -> None:
        """Record that this channel will never take it."""
        self._finish(owner, "dead")

    def failed(self, owner: str) -> None:
        """Record a failed attempt, and free the deliveries for the next."""
        tried = (
            f"update deliveries set attempts = attempts + 1, owner = null, lease = 0 where id in"  # noqa: S608 - constants
            f" (select id from deliveries where owner = :owner and state = 'pending' limit {CHUNK})"
        )
        self._in_chunks(tried, {"owner": owner})
        spent = {"channel": self._channel, "most": MAX_ATTEMPTS}
        self._commits.run(
            lambda connection: count(
                connection,
                "dead",
                connection.execute(
                    "update deliveries set state = 'dead'"
                    " where channel = :channel and state = 'pending' and attempts >= :most",
                    spent,
                ).rowcount,
            )
        )

    def fail_over(self, others: Sequence[str], *, waiting: bool = True) -> list[str]:
        """Give each alert that was refused here once to the first other channel that lacks it.

        Args:
            others: names of channels, in order.
            waiting: also what still waits here.

        Returns:
            The channels that have something new.
        """
        states = "('pending', 'dead')" if waiting else "('dead')"
        return [other for other in others if self._hand_over(other, states)]

    def _hand_over(self, other: str, states: str) -> bool:
        # Nobody is paged for what is worth an e-mail, even if e-mail is down.
        allowed = "('CRITICAL', 'HIGH')" if other == "pagerduty" else "('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')"
        chosen = (
            f"select d.id from deliveries d join alerts a on a.id = d.alert where d.channel = :channel"  # noqa: S608 - constants
            f" and d.state in {states} and not d.failed_over and a.action = 'trigger'"
            f" and a.severity in {allowed} and not exists (select 1 from deliveries e where e.alert = d.alert"
            f" and e.channel = :other) limit {CHUNK}"
        )
        values = {"channel": self._channel, "other": other}

        def hand_over(connection: sqlite3.Connection) -> int:
            rows = connection.execute(
                f"update deliveries set failed_over = 1 where id in ({chosen}) returning alert, dedup_key, urgent",  # noqa: S608 - constants
                values,
            ).fetchall()
            connection.executemany(
                "insert or ignore into deliveries (alert, channel, dedup_key, urgent) values (?, ?, ?, ?)",
                [(alert, other, key, urgent) for alert, key, urgent in rows],
            )
            return len(rows)

        handed = any_handed = self._commits.run(hand_over)
        while handed == CHUNK:
            handed = self._commits.run(hand_over)
        return any_handed > 0

    def _finish(self, owner: str, state: str) -> None:
        done = (
            f"update deliveries set state = :state, owner = null where id in"  # noqa: S608 - constants
            f" (select id from deliveries where owner = :owner and state = 'pending' limit {CHUNK})"
        )
        self._in_chunks(done, {"owner": owner, "state": state}, total=state)

    def _in_chunks(self, statement: str, values: dict[str, object], *, total: str | None = None) -> int:
        changed = all_changed = self._change(statement, values, total)
        while changed == CHUNK:
            changed = self._change(statement, values, total)
            all_changed += changed
        return all_changed

    def _change(self, statement: str, values: dict[str, object], total: str | None) -> int:
        def change(connection: sqlite3.Connection) -> int:
            rows = connection.execute(statement, values).rowcount
            if total:
                count(connection, total, rows)
            return rows

        return self._commits.run(change)

    def _keep_incidents(self, connection: sqlite3.Connection, owner: str) -> None:
        if self._channel != "pagerduty":
            return
        confirmed = "from alerts a join deliveries d on d.alert = a.id where d.owner = ? and a.action = "
        connection.execute(
            f"insert or ignore into incidents select a.dedup_key, a.severity, a.component {confirmed} 'trigger'",
            (owner,),
        )
        connection.execute(
            f"delete from incidents where dedup_key in (select a.dedup_key {confirmed} 'resolve')",  # noqa: S608 - constants
            (owner,),
        )

    def _values(self, owner: str) -> dict[str, object]:
        now = self._clock.monotonic()
        return {
            "channel": self._channel,
            "owner": owner,
            "now": now,
            "until": now + LEASE,
            "most": IMPOSSIBLE,
        }


def _alert(connection: sqlite3.Connection, key: int) -> Alert:
    uid, severity, component, message, details, dedup_key, action, created = connection.execute(
        _ALERT, (key,)
    ).fetchone()
    return Alert(
        uid=uid,
        severity=severity,
        component=component,
        message=message,
        details=json.loads(details),
        dedup_key=dedup_key,
        action=action,
        created=created,
    )
