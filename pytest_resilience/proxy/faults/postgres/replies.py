"""What a PostgreSQL server says, on its way to the client."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.fault import Fault
from pytest_resilience.proxy.faults.faulty_stream import Stopped
from pytest_resilience.proxy.faults.kinds import Error
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.postgres.points import PostgresPoints
from pytest_resilience.proxy.faults.postgres.shared import PostgresShared, encode
from pytest_resilience.proxy.faults.postgres.stream import PostgresStream
from pytest_resilience.proxy.faults.triggers import Message
from pytest_resilience.proxy.faults.watch import Strike
from pytest_resilience.proxy.wire.postgres.encode import COPY_FAIL
from pytest_resilience.proxy.wire.postgres.frames import GLANCED, HEADER, HELD, FrameReader
from pytest_resilience.proxy.wire.postgres.layout import Layouts
from pytest_resilience.proxy.wire.postgres.names import UNASKED
from pytest_resilience.proxy.wire.postgres.replied import CHANGES, command, replied, sqlstate
from pytest_resilience.proxy.wire.postgres.requested import Subject
from pytest_resilience.proxy.wire.postgres.requests import Query, Request

_AUTHENTICATION, _COMMAND_COMPLETE, _COPY_IN, _ERROR, _READY = b"RCGEZ"
_ENDS_EXECUTION = frozenset(b"CIsE")


def _tag(_subject: Subject, buffer: bytes, start: int, end: int) -> str:
    return command(buffer[start:end])[0]


def _code(_subject: Subject, buffer: bytes, start: int, end: int) -> str:
    return sqlstate(buffer[start:end])


_TELLS = {_COMMAND_COMPLETE: _tag, _ERROR: _code}
"""What the trace says of replies: a tag, or an error's code."""


@dataclass(slots=True, eq=False, kw_only=True)
class StoppedReply(Stopped):
    """A reply that faults have struck.

    Args:
        kind: of the message.
        request: what it answers.
    """

    kind: int
    request: Request | None


class PostgresReplies(PostgresStream):
    """The server's direction.

    Args:
        conversation: the connection.
        plumbing: to the client.
        shared: what the other direction knows too.
        points: makes fault points.
    """

    direction = "reply"
    followed: ClassVar = {kind: (change, _TELLS.get(kind)) for kind, change in CHANGES.items()}
    layouts = Layouts()

    def __init__(
        self, conversation: Conversation, plumbing: Plumbing, shared: PostgresShared, points: PostgresPoints
    ) -> None:
        super().__init__(conversation, plumbing, shared, points, FrameReader.of_replies())
        self._curious = False

    def _look_around(self) -> bool:
        faults = self._conversation.watch.reply_faults
        shared, reader = self._shared, self._reader
        if not faults:
            reader.held, reader.singly = GLANCED, False
            return shared.meddling or shared.gate is not None or self.dropping or bool(shared.plans)
        reader.held = HELD
        reader.singly = any(fault.trigger == Message("CopyData") for fault in faults)
        self._curious = any(not fault.trigger.only_statements for fault in faults)
        return True

    def _look(self, kind: int, start: int, end: int, at: float) -> bool:
        buffer = self._reader.buffer
        request = replied(self._session, kind, buffer, start + HEADER, end)
        swapped = request.shown_error if kind == _ERROR and request is not None else None
        tell = _TELLS.get(kind)
        text = None if tell is None else tell(request, buffer, start + HEADER, end)
        text = text if swapped is None else sqlstate(swapped[HEADER:])
        self._trace(at, kind, text, end - start)
        if self.dropping:
            self._discard(end)
        elif kind not in UNASKED:
            self._answer(kind, start, end, request)
        self._after(kind, request)
        return not self.is_blocked and not self._conversation.over

    def _answer(self, kind: int, start: int, end: int, request: Request | None) -> None:
        if kind == _ERROR and request is not None and request.substitute is not None:
            self._exchange(start, end, request.shown_error)
        elif kind == _READY and self._must_roll_back():
            self._take_out(start, end)
            self._shared.end_transaction()
        elif self._shared.muting or (request is not None and request.muted):
            self._mute(kind, start, end)
        elif self._curious or kind in _ENDS_EXECUTION:
            self._strike(kind, start, end, request)

    def _after(self, kind: int, request: Request | None) -> None:
        if request is not None and request.name in {"Query", "Startup"}:
            request.begun = True
            if kind == _READY:
                self._shared.take_back(request)
        gate = self._shared.gate
        if gate is not None and gate not in self._session.pending:  # answered, or skipped behind an error
            self._shared.gate = None
            self._shared.open_gate(gate)

    def _strike(self, kind: int, start: int, end: int, request: Request | None) -> None:
        """Let faults strike the message."""
        conversation = self._conversation
        payload = self._reader.buffer[start + HEADER : end] if kind == _COMMAND_COMPLETE else b""
        point = self._points.reply(kind, request, payload)
        promised = self._promised(request) if kind == _COMMAND_COMPLETE else None
        strikes = conversation.watch.strike(point, conversation.link.client_port)
        if promised is not None and all(strike.fault is not promised for strike in strikes):
            strikes.append(conversation.watch.force(promised, point, conversation.link.client_port))
        if strikes:
            data = self._take_out(start, end)
            self._deal(StoppedReply(data, deque(strikes), kind=kind, request=request, dropped=self._dropped))

    def _promised(self, request: Request | None) -> Fault | None:
        """Return the fault whose error has to stand in place of this answer, since the string fails behind it."""
        planned = None if request is None else self._shared.plans.get(request)
        if request is None or planned is None or not planned.is_due(request):
            return None
        self._shared.take_back(request)
        return planned.fault

    def _dropped(self) -> None:
        self._drops_rest = self._reader.unfinished

    # Errors.

    def _exchange(self, start: int, end: int, substitute: bytes | None) -> None:
        """Show the client another error than the server's; none where the server has one of its own before it."""
        if substitute is None:
            self._shared.fatal = self._shared.rolls_back = False
            return
        self._take_out(start, end)
        self._send(substitute)
        if self._shared.fatal:
            self._conversation.cut()

    def _must_roll_back(self) -> bool:
        """Tell whether the transaction that this ReadyForQuery reports as failed has to be over."""
        wanted, self._shared.rolls_back = self._shared.rolls_back, False
        return wanted and self._session.transaction == "E" and not self._session.pending

    def _mute(self, kind: int, start: int, end: int) -> None:
        """Keep a reply from the client, but for the ReadyForQuery that ends it all."""
        data = self._take_out(start, end)
        self._drops_rest = self._reader.unfinished
        if kind == _COPY_IN:
            self._shared.to_server(COPY_FAIL)
        elif kind == _READY:
            self._end_muting(data)

    def _end_muting(self, ready: bytes) -> None:
        """Show the client that the server is ready, after a transaction that is still open has been aborted."""
        self._shared.muting = False
        if self._session.transaction == "T" and not self._session.pending:
            self._shared.abort_idle_transaction()
        else:
            self._send(ready)

    def _special(self, strike: Strike, stopped: Stopped) -> None:
        kind = strike.fault.kind
        if not isinstance(kind, Error) or not isinstance(stopped, StoppedReply):
            raise TypeError(f"{kind} cannot be done to a PostgreSQL reply")
        reply, fatal = encode(kind, starting=stopped.kind == _AUTHENTICATION)
        self._send(reply)
        if fatal:
            self._conversation.cut()
            return
        self._shared.meddling = True
        self._drops_rest = self._reader.unfinished
        if stopped.kind == _READY:
            self._end_muting(stopped.data)
        elif stopped.kind != _ERROR:
            self._silence(stopped)
        self.unblock(stopped)

    def _silence(self, stopped: StoppedReply) -> None:
        """Show the client nothing more of this answer, and let the server undo what it can."""
        if stopped.kind == _COPY_IN:
            self._shared.to_server(COPY_FAIL)
        if isinstance(stopped.request, Query):
            stopped.request.muted = True
            return
        self._shared.muting = True
        if not any(request.name == "Sync" for request in self._session.pending):
            self._shared.doomed = True
            self._shared.abort_transaction()
