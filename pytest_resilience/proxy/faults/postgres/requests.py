"""What a PostgreSQL client says, on its way to the server."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.faulty_stream import Stopped
from pytest_resilience.proxy.faults.kinds import Error
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.point import Point
from pytest_resilience.proxy.faults.postgres.injection import beginning, errors_to_come, plan, replacement
from pytest_resilience.proxy.faults.postgres.points import PostgresPoints
from pytest_resilience.proxy.faults.postgres.shared import PostgresShared, encode
from pytest_resilience.proxy.faults.postgres.stream import PostgresStream
from pytest_resilience.proxy.faults.watch import Strike
from pytest_resilience.proxy.wire.postgres.encode import FLUSH
from pytest_resilience.proxy.wire.postgres.frames import (
    COPY_DATA,
    GLANCED,
    HEADER,
    HELD,
    STARTUP,
    FrameReader,
)
from pytest_resilience.proxy.wire.postgres.layout import Layouts
from pytest_resilience.proxy.wire.postgres.requested import (
    CANCEL_REQUEST,
    CHANGES,
    GSS_REQUEST,
    SSL_REQUEST,
    Subject,
    requested,
    started,
    startup_code,
)
from pytest_resilience.proxy.wire.postgres.requests import Query, Request

EXECUTING = frozenset(b"QE")
PASSES_GATE = frozenset(b"HDCXdcf")
"""What may be said behind an Execute and is not undone with it: what changes nothing, or the rows that it asks for."""

COMMITS = frozenset({"COMMIT", "PREPARE TRANSACTION"})
_ABOUT = frozenset(b"QPEcf")
"""Requests that are about something."""
_SYNC = ord("S")
_ENDS_OF_CYCLES = frozenset(b"QFS")
"""Requests that the server answers with ReadyForQuery, also after an error."""
_PASSWORD = ord("p")


def _glance(subject: Subject, _buffer: bytes, _start: int, _end: int) -> str | None:
    """Return what the trace says of a request: the beginning of what it is about."""
    return None if subject is None else subject.glance


@dataclass(slots=True, eq=False, kw_only=True)
class StoppedRequest(Stopped):
    """A request that faults have struck.

    Args:
        kind: of the message.
        request: what it has put into the session.
        executes: what begins to be executed by it, or takes its rows.
    """

    kind: int
    request: Request | None
    executes: Request | None


class PostgresRequests(PostgresStream):
    """The client's direction.

    Args:
        conversation: the connection.
        plumbing: to the server.
        shared: what the other direction knows too.
        points: makes fault points.
    """

    direction = "request"
    followed: ClassVar = {
        kind: (change, _glance if kind in _ABOUT else None) for kind, change in CHANGES.items()
    }
    layouts = Layouts()

    def __init__(
        self, conversation: Conversation, plumbing: Plumbing, shared: PostgresShared, points: PostgresPoints
    ) -> None:
        super().__init__(conversation, plumbing, shared, points, FrameReader.of_requests())
        self._curious = False
        shared.open_gate = self.unblock

    def _look_around(self) -> bool:
        watch, reader = self._conversation.watch, self._reader
        faults = watch.request_faults
        if not faults and not watch.reply_faults:
            reader.held, reader.singly = GLANCED, False
            shared = self._shared
            return shared.gate is not None or shared.doomed or self.dropping or self._session.skipping
        reader.held = HELD
        reader.singly = any(fault.trigger.sees_rows for fault in faults)
        self._curious = any(not fault.trigger.only_statements for fault in faults)
        return True

    def _begin(self, start: int, end: int, at: float) -> bool:
        """Take the client's first messages, which have no kind (chapter 54.2.1)."""
        buffer = self._reader.buffer
        code = startup_code(buffer, start)
        if code in {SSL_REQUEST, GSS_REQUEST}:
            self._trace(at, "SSLRequest" if code == SSL_REQUEST else "GSSENCRequest", None, end - start)
            self._sent = end
            self._shared.to_client(b"N")
            return True
        self._reader.startup = False
        if code >> 16 != 3:
            self._trace(at, "CancelRequest" if code == CANCEL_REQUEST else "unknown", None, end - start)
            self._conversation.opaque = True
            return True
        request = started(self._session, buffer[start + 8 : end])
        self._trace(at, "Startup", None, end - start)
        return self._strike(STARTUP, start, end, request, request)

    def _look(self, kind: int, start: int, end: int, at: float) -> bool:
        if self.dropping:
            self._discard(end)
            return True
        if self._must_wait(kind):
            self._wait_for_answer(start, end)
            return False
        session = self._session
        known, copy = len(session.pending), session.copy_in
        subject = requested(session, kind, self._reader.buffer, start + HEADER, end)
        self._trace(at, kind, None if subject is None else subject.glance, end - start)
        if kind == _SYNC:
            self._shared.doomed = False
        if session.skipping or self._shared.doomed:
            return True  # the server throws it away
        request = session.pending[-1] if len(session.pending) > known else None
        copy = session.copy_in or copy
        executes = request if kind in EXECUTING else None if copy is None else copy.request
        if (self._curious or kind in EXECUTING) and not self._strike(kind, start, end, request, executes):
            return False
        if self._sent < end and request is not None and kind in EXECUTING:
            self._prepare_for_errors(start, end, request)
        return True

    def _strike(
        self, kind: int, start: int, end: int, request: Request | None, executes: Request | None
    ) -> bool:
        """Let faults strike the message; return whether the next one may be looked at."""
        conversation = self._conversation
        if not conversation.watch.request_faults:
            return True
        strikes = conversation.watch.strike(
            self._point(kind, start, end, executes), conversation.link.client_port
        )
        if not strikes:
            return True
        data = self._take_out(start, end)
        stopped = StoppedRequest(data, deque(strikes), kind=kind, request=request, executes=executes)
        stopped.dropped = partial(self._dropped, request)
        self._deal(stopped)
        return not self.is_blocked and not conversation.over

    def _point(self, kind: int, start: int, end: int, executes: Request | None) -> Point:
        copy = self._session.copy_in
        if kind != COPY_DATA or copy is None or not self._reader.singly:
            return self._points.request(kind, executes if kind in EXECUTING else None)
        rows = copy.take(self._reader.buffer[start + HEADER : end])
        return self._points.request(kind, None, rows=rows, table=copy.table)

    def _continue(self, start: int, end: int) -> None:
        copy = self._session.copy_in
        if copy is not None and self._reader.singly:
            copy.take_rest(self._reader.buffer[start:end])
        super()._continue(start, end)

    def _dropped(self, request: Request | None) -> None:
        """Forget a request that the server never gets."""
        self._drops_rest = self._reader.unfinished
        if request is not None:
            self._session.retract(request)

    # Errors.

    def _special(self, strike: Strike, stopped: Stopped) -> None:
        kind = strike.fault.kind
        if not isinstance(kind, Error) or not isinstance(stopped, StoppedRequest):
            raise TypeError(f"{kind} cannot be done to a PostgreSQL request")
        starting = stopped.kind in {STARTUP, _PASSWORD}
        reply, fatal = encode(kind, starting=starting)
        if starting:
            self._shared.to_client(reply)
            self._conversation.cut()
            return
        self._shared.meddling = True
        self._shared.fatal = fatal
        self._shared.rolls_back = _commits(stopped.executes, strike.receipt.message)
        self._drops_rest = self._reader.unfinished
        self._send(self._failing(strike, stopped, reply))
        self.unblock(stopped)

    def _failing(self, strike: Strike, stopped: StoppedRequest, reply: bytes) -> bytes:
        """Return what the server gets in place of a request, so that it raises an error where the fault stands."""
        request, executes = stopped.request, stopped.executes
        if isinstance(request, Query) and not self._reader.unfinished:
            spared = beginning(request, strike, self._points, reply)
            if spared is not None:
                return spared
        self._shared.doomed = stopped.kind not in _ENDS_OF_CYCLES and not isinstance(executes, Query)
        return replacement(self._session, stopped.kind, request, executes, reply)

    def _prepare_for_errors(self, start: int, end: int, request: Request) -> None:
        """See to it that an error in place of this request's answer will find the server able to undo it."""
        errors = errors_to_come(self._conversation.watch.reply_faults)
        if not errors:
            return
        if isinstance(request, Query):
            planned = None if self._reader.unfinished else plan(request, errors, self._points)
            if planned is not None:
                self._take_out(start, end)
                self._send(planned.message)
                self._shared.promise(request, planned)
        elif request.statements:
            point = self._points.foreseen(request.statement(0), request.name)
            if any(fault.may_strike(point) for fault in errors):
                self._shared.gate = request

    def _must_wait(self, kind: int) -> bool:
        gate = self._shared.gate
        if gate is None or kind in PASSES_GATE:
            return False
        if kind != _SYNC:
            return True
        return self._session.transaction == "I" and self._session.executions > 1

    def _wait_for_answer(self, start: int, end: int) -> None:
        """Have the server answer what it was asked for, and keep this message until it has."""
        self._take_out(start, end)
        self._send(FLUSH)
        self.block(self._shared.gate)
        self._backlog.appendleft(self._reader.give_back(start))


def _commits(request: Request | None, struck: str) -> bool:
    """Tell whether a request would have committed: a COMMIT that fails leaves no transaction, not a failed one."""
    statements = () if request is None else request.statements
    return struck in COMMITS or (len(statements) == 1 and statements[0].tag in COMMITS)
