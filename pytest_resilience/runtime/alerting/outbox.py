"""The durable outbox: an alert is in it from before `route_alert` returns until a channel has confirmed it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from pytest_resilience.runtime.alerting.alert import Alert
from pytest_resilience.runtime.alerting.group_commit import GroupCommit
from pytest_resilience.runtime.alerting.private_folder import make_private_folder

BUSY_TIMEOUT = 2.0
"""Seconds to wait for another process's commit."""

_VERSION = 1
_SCHEMA = """
create table if not exists alerts (
    id integer primary key, uid text not null unique, severity text not null, component text not null,
    message text not null, details text not null, dedup_key text not null, action text not null,
    created real not null
);
create table if not exists deliveries (
    id integer primary key, alert integer not null references alerts (id), channel text not null,
    dedup_key text not null, urgent integer not null, state text not null default 'pending',
    attempts integer not null default 0, failed_over integer not null default 0,
    owner text, lease real not null default 0, unique (alert, channel)
);
create index if not exists pending on deliveries (channel, urgent desc, attempts, id) where state = 'pending';
create index if not exists pending_keys on deliveries (channel, dedup_key, id) where state = 'pending';
create index if not exists owned on deliveries (owner) where owner is not null;
create table if not exists incidents (
    dedup_key text primary key, severity text not null, component text not null
);
create table if not exists totals (name text primary key, value integer not null);
"""


class Outbox:
    """Keep alerts in an SQLite file that only its owner can read: one row an alert, one a delivery.

    Args:
        path: the file; it and its folder are made when they are missing. None keeps them in memory, for the time
            when no file can be written.

    Raises:
        OSError, sqlite3.Error: if the file cannot be used.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.commits = GroupCommit(partial(_open, path))

    def close(self) -> None:
        """Let go of the file; using it again opens it again."""
        self.commits.close()

    def pause(self) -> None:
        """Let go of the file and let nothing be written until `resume`; one that is in memory is left alone."""
        if self.path is not None:
            self.commits.pause()

    def resume(self) -> None:
        """Go on after a `pause`."""
        if self.path is not None:
            self.commits.resume()

    def add(self, alert: Alert, channels: Sequence[str]) -> None:
        """Store the alert with one delivery for each channel; it is on disk when this returns."""
        row = (alert.uid, alert.severity, alert.component, alert.message, json.dumps(dict(alert.details)))
        urgent = alert.severity == "CRITICAL" or alert.action != "trigger"

        def insert(connection: sqlite3.Connection) -> None:
            key = connection.execute(
                "insert into alerts values (null, ?, ?, ?, ?, ?, ?, ?, ?) returning id",
                (*row, alert.dedup_key, alert.action, alert.created),
            ).fetchone()[0]
            connection.executemany(
                "insert into deliveries (alert, channel, dedup_key, urgent) values (?, ?, ?, ?)",
                [(key, channel, alert.dedup_key, urgent) for channel in channels],
            )

        self.commits.run(insert)

    def open_incidents(self, severity: str, component: str) -> list[str]:
        """Return the keys under which PagerDuty holds something open, or soon will."""
        return self.commits.read(
            lambda connection: [
                key
                for (key,) in connection.execute(
                    "select dedup_key from incidents where severity = :severity and component = :component union"
                    " select a.dedup_key from alerts a join deliveries d on d.alert = a.id"
                    " where d.state = 'pending' and d.channel = 'pagerduty' and a.action = 'trigger'"
                    " and a.severity = :severity and a.component = :component",
                    {"severity": severity, "component": component},
                )
            ]
        )

    def totals(self) -> Mapping[str, int]:
        """Return how many alerts were accepted, and how many deliveries were sent, are pending, were given up."""
        return self.commits.read(_totals)

    def purge(self, keep: int = 1_000) -> None:
        """Forget alerts that have nothing pending, but for the latest ones; the totals remember them."""

        def forget(connection: sqlite3.Connection) -> None:
            old = (
                "select id from alerts a where id <= (select max(id) from alerts) - :keep and not exists"
                " (select 1 from deliveries d where d.alert = a.id and d.state = 'pending') limit 2000"
            )
            connection.execute(f"delete from deliveries where alert in ({old})", {"keep": keep})  # noqa: S608 - constants
            connection.execute(
                "delete from alerts where id <= (select max(id) from alerts) - :keep"
                " and not exists (select 1 from deliveries d where d.alert = alerts.id)",
                {"keep": keep},
            )

        self.commits.run(forget)


def count(connection: sqlite3.Connection, name: str, more: int) -> None:
    """Add to a total, inside the transaction of what it counts."""
    connection.execute(
        "insert into totals values (?, ?) on conflict (name) do update set value = value + excluded.value",
        (name, more),
    )


def _totals(connection: sqlite3.Connection) -> Mapping[str, int]:
    kept = dict(connection.execute("select name, value from totals"))
    (pending,) = connection.execute("select count(*) from deliveries where state = 'pending'").fetchone()
    (accepted,) = connection.execute(
        "select coalesce(max(id), 0) from alerts"
    ).fetchone()  # purge keeps the last
    return {"accepted": accepted, "sent": 0, "dead": 0, **kept, "pending": pending}


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        make_private_folder(path.parent)
        # SQLite gives its -wal and -shm files the mode of the database.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        path or ":memory:", timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        if connection.execute("pragma user_version").fetchone() != (_VERSION,):
            connection.executescript(f"begin immediate; {_SCHEMA} pragma user_version = {_VERSION}; commit;")
    except BaseException:
        connection.close()
        raise
    return connection
