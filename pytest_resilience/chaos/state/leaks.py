"""What a workload left behind on a database server: connections, transactions, locks, temporary tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from pytest_resilience.chaos.state.difference import count
from pytest_resilience.chaos.state.side import NAME, side_connection
from pytest_resilience.clock import SYSTEM_CLOCK, Clock

PATIENCE = 2.0
"""Seconds that a server has to notice that a client is gone."""
LOOK_EVERY = 0.02

_LOOK = """
with others as (
    select pid, coalesce(state, 'unknown') as state from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
    and application_name <> %(own)s and not pid = any (%(ignored)s)
), locks as (
    select l.* from pg_locks l
    where l.database = (select oid from pg_database where datname = current_database())
    and coalesce(l.pid <> pg_backend_pid() and not l.pid = any (%(ignored)s), true)
)
select (select jsonb_object_agg(state, n) from (select state, count(*) as n from others group by state) as states),
    (select count(*) from pg_prepared_xacts where database = current_database()),
    (select count(*) from locks where locktype = 'advisory' and granted),
    (select count(*) from locks where locktype = 'relation' and granted
        and mode in ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock', 'ShareLock')),
    (select count(*) from pg_class c join pg_namespace s on s.oid = c.relnamespace
        where c.relpersistence = 't' and c.relkind in ('r', 'p')
        and s.nspname ~ '^pg_temp_' and s.oid <> pg_my_temp_schema())
"""


def leaks(
    dsn: str, *, ignore: Collection[int] = (), patience: float = PATIENCE, clock: Clock = SYSTEM_CLOCK
) -> tuple[str, ...]:
    """Say what is left in a database after its workload has ended; nothing where it is clean.

    Args:
        dsn: the address around the proxy.
        ignore: process ids of connections that are no leak (`connections`).
        patience: seconds to wait for the server to notice what has closed.
        clock: measures them.

    Raises:
        HarnessError: the server cannot be asked.
    """
    until = clock.monotonic() + patience
    with side_connection(dsn) as connection, connection.cursor() as cursor:
        while True:
            found = tuple(_look(cursor, ignore))
            if not found or clock.monotonic() >= until:
                return found
            clock.sleep(LOOK_EVERY)


def connections(dsn: str) -> frozenset[int]:
    """Return the process ids of who is connected to the database now, but for the oracles.

    Raises:
        HarnessError: the server cannot be asked.
    """
    with side_connection(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select pid from pg_stat_activity where datname = current_database() "
            "and backend_type = 'client backend' and application_name <> %s",
            (NAME,),
        )
        return frozenset(pid for (pid,) in cursor.fetchall())


def _look(cursor: Any, ignore: Collection[int]) -> Iterator[str]:
    cursor.execute(_LOOK, {"own": NAME, "ignored": list(ignore)})
    states, prepared, advisory, tables, temporary = cursor.fetchone()
    if states:
        each = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        yield f"{count(sum(states.values()), 'connection')} still open ({each})"
    if prepared:
        yield f"{count(prepared, 'prepared transaction')} neither committed nor rolled back"
    if advisory:
        yield f"{count(advisory, 'advisory lock')} still held"
    if tables:
        yield f"{count(tables, 'table lock')} still held that keeps others from writing"
    if temporary:
        yield f"{count(temporary, 'temporary table')} left"
