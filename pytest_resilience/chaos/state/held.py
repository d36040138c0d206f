"""What a workload that is alive and asked nothing holds on a database server, beyond what it held undisturbed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from pytest_resilience.chaos.state.difference import count
from pytest_resilience.chaos.state.side import NAME, side_connection
from pytest_resilience.clock import SYSTEM_CLOCK, Clock

PATIENCE = 10.0
"""Seconds that who was disturbed has to let go: longer than a transaction of sound code waits for anything."""
LOOK_EVERY = 0.05
LEAST_CALLS, LEAST_GROWTH = 3, 2
"""Calls that met a fault, and connections more than undisturbed, from which a leak is told from a pool.

Each call has left one, but idle ones may have been there for the first of them; a pool that fills up grows by more.
"""

_LOOK = """
select a.pid, a.state like 'idle in transaction%%', a.xact_start::text,
    (select count(*) from pg_locks l where l.pid = a.pid and l.granted and l.locktype = 'relation'
        and l.mode <> 'AccessShareLock'),
    (select count(*) from pg_locks l where l.pid = a.pid and l.granted and l.locktype = 'advisory')
from pg_stat_activity a where a.datname = current_database() and a.backend_type = 'client backend'
    and a.pid <> pg_backend_pid() and a.application_name <> %(own)s and not a.pid = any (%(ignored)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the sessions of a workload hold while it is asked nothing.

    Args:
        connections: how many there are; a pool keeps some.
        open: the transactions that are open and wait for their client, each with its session and its begin.
        tables: locks on tables by those that have written or mean to.
        advisory: advisory locks; who leads others keeps one.
    """

    connections: int = 0
    open: frozenset[tuple[int, str]] = frozenset()
    tables: int = 0
    advisory: int = 0

    def beyond(self, usual: Held, *, calls: int = 0, at_once: int = 1) -> tuple[str, ...]:
        """Say what is held that was not undisturbed.

        Args:
            usual: what it held then; who leaves transactions open undisturbed does so under faults.
            calls: how many calls met the fault; a leak grows with them.
            at_once: how many calls were under way at the same time, at most; a pool grows with them.
        """
        return tuple(self._beyond(usual, calls, LEAST_GROWTH + at_once - 1))

    def _beyond(self, usual: Held, calls: int, least: int) -> Iterator[str]:
        if self.open and not usual.open:
            locks = f", {count(self.tables, 'table lock')} with it" if self.tables else ""
            yield f"{count(len(self.open), 'transaction')} left open while it is asked nothing{locks}"
        if self.advisory > usual.advisory:
            yield f"{count(self.advisory - usual.advisory, 'advisory lock')} kept while it is asked nothing"
        grown = self.connections - usual.connections
        if calls >= LEAST_CALLS and least <= grown <= calls < self.connections:
            yield (
                f"{self.connections} connections open while it is asked nothing, {usual.connections} undisturbed: "
                f"{calls} calls that met the fault have left theirs"
            )


NOTHING = Held()


def held(dsn: str, *, ignore: Collection[int] = ()) -> Held:
    """Return what is held in a database now.

    Args:
        dsn: the address around the proxy.
        ignore: process ids of connections that are not the workload's (`leaks.connections`).

    Raises:
        HarnessError: the server cannot be asked.
    """
    with side_connection(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(_LOOK, {"own": NAME, "ignored": list(ignore)})
        sessions = cursor.fetchall()
    waiting = [(pid, began, tables) for pid, waits, began, tables, _ in sessions if waits]
    return Held(
        connections=len(sessions),
        open=frozenset((pid, began) for pid, began, _ in waiting),
        tables=sum(tables for _, _, tables in waiting),
        advisory=sum(advisory for *_, advisory in sessions),
    )


def held_for_good(
    look: Callable[[], Held],
    wrong: Callable[[Held], Collection[str]],
    *,
    stopped: Callable[[], bool] = lambda: False,
    patience: float = PATIENCE,
    clock: Clock = SYSTEM_CLOCK,
) -> Held:
    """Return what is held, once nothing is wrong with it, or nothing of it has changed for long.

    A transaction that ends meanwhile, and another that begins, are work that goes on.

    Args:
        look: looks once.
        wrong: says what is wrong with it.
        stopped: tells when to wait no longer.
        patience: seconds to wait.
        clock: measures them.
    """
    seen = look()
    until = clock.monotonic() + patience
    while wrong(seen) and clock.monotonic() < until and not stopped():
        clock.sleep(LOOK_EVERY)
        now = look()
        seen = Held(
            connections=now.connections,
            open=seen.open & now.open,
            tables=now.tables,
            advisory=min(seen.advisory, now.advisory),
        )
    return seen
