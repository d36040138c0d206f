"""What both directions of a PostgreSQL connection know, and how one meddles in the other."""

from __future__ import annotations

from collections.abc import Callable

from pytest_resilience.proxy.faults.kinds import Error
from pytest_resilience.proxy.faults.postgres.injection import Plan
from pytest_resilience.proxy.wire.postgres.encode import REFUSED_PARSE, ROLLBACK, SYNC, error_response
from pytest_resilience.proxy.wire.postgres.requests import Request
from pytest_resilience.proxy.wire.postgres.session import PostgresSession

FATAL = frozenset({"FATAL", "PANIC"})


class PostgresShared:
    """The session, and what the engine has put into it.

    Attributes:
        meddling: the engine has said something of its own; replies have to be looked at one by one.
        muting: what the server says is not for the client, up to the next ReadyForQuery.
        fatal: the session ends behind the next error that the engine puts in.
        rolls_back: the server's transaction is over with that error, not failed: it stands in COMMIT's place.
        doomed: an error that the engine has put in lets the server skip what it is sent, up to the next Sync.
        plans: strings that were made to fail.
        gate: the execution whose answer has to be known before the client's next request is passed on.
        open_gate: goes on with the client's requests.
    """

    def __init__(self, to_server: Callable[[bytes], None], to_client: Callable[[bytes], None]) -> None:
        self.session = PostgresSession()
        self.to_server = to_server
        self.to_client = to_client
        self.meddling = False
        self.muting = False
        self.fatal = False
        self.rolls_back = False
        self.doomed = False
        self.plans: dict[Request, Plan] = {}
        self.gate: Request | None = None
        self.open_gate: Callable[[Request], None] = _nothing

    def promise(self, request: Request, planned: Plan) -> None:
        """Note that a string was made to fail: its fault is to strike there, and nowhere else in its place."""
        planned.fault.promised += 1
        self.plans[request] = planned

    def take_back(self, request: Request) -> None:
        """Forget that a string was made to fail: it has come to that, or never will."""
        planned = self.plans.pop(request, None)
        if planned is not None:
            planned.fault.promised -= 1

    def closed(self) -> None:
        """Learn that the connection is over."""
        for request in tuple(self.plans):
            self.take_back(request)

    def abort_transaction(self) -> None:
        """Let the server's transaction fail, behind everything that it was asked for; the client sees no reply.

        An error in the extended protocol lets the server skip what follows, up to the next Sync, as the client expects
        after an error.
        """
        self.meddling = True
        self.to_server(REFUSED_PARSE)
        refused = Request("Parse")
        refused.muted = True
        self.session.pending.append(refused)

    def abort_idle_transaction(self) -> None:
        """Let the transaction fail of a server that waits for the next request; its ReadyForQuery is for the client."""
        self.abort_transaction()
        self.to_server(SYNC)
        self.session.pending.append(Request("Sync"))

    def end_transaction(self) -> None:
        """Roll back the failed transaction of a server that waits; its ReadyForQuery is for the client, alone."""
        self.muting = True
        self.to_server(ROLLBACK)
        self.session.pending.extend((Request("Execute"), Request("Sync")))


def encode(error: Error, *, starting: bool = False) -> tuple[bytes, bool]:
    """Return an error as a server would send it, and whether the session ends with it.

    Args:
        error: the fault's kind.
        starting: the session has not begun; a server then says FATAL.
    """
    severity = "FATAL" if starting and error.severity is None else error.usual_severity
    reply = error_response(
        severity=severity, sqlstate=error.sqlstate, text=error.message, detail=error.detail
    )
    return reply, starting or severity in FATAL


def _nothing(_gate: Request) -> None:
    pass
