"""What a PostgreSQL server says, on its way to the client."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.kinds import Error
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.postgres_point import PostgresPoints
from pytest_resilience.proxy.faults.postgres_shared import PostgresShared, encode
from pytest_resilience.proxy.faults.stream import Stopped, Stream
from pytest_resilience.proxy.faults.triggers import Message
from pytest_resilience.proxy.faults.watch import Strike
from pytest_resilience.proxy.wire.postgres_encode import COPY_FAIL
from pytest_resilience.proxy.wire.postgres_frames import CONTINUATION, HELD, FrameReader
from pytest_resilience.proxy.wire.postgres_names import UNASKED
from pytest_resilience.proxy.wire.postgres_replied import command, replied, sqlstate
from pytest_resilience.proxy.wire.postgres_requests import Query, Request

_AUTHENTICATION = ord("R")
_COMMAND_COMPLETE = ord("C")
_COPY_IN = ord("G")
_ERROR = ord("E")
_READY = ord("Z")
_ENDS_EXECUTION = frozenset(b"CIsE")


@dataclass(slots=True, eq=False, kw_only=True)
class StoppedReply(Stopped):
    """A reply that faults have struck.

    Args:
        kind: of the message.
        request: what it answers.
    """

    kind: int
    request: Request | None


class PostgresReplies(Stream):
    """The server's direction.

    Args:
        conversation: the connection.
        plumbing: to the client.
        shared: what the other direction knows too.
        points: makes fault points.
    """

    def __init__(
        self, conversation: Conversation, plumbing: Plumbing, shared: PostgresShared, points: PostgresPoints
    ) -> None:
        super().__init__(conversation, plumbing)
        self._shared = shared
        self._session = shared.session
        self._points = points
        self._number = conversation.link.number
        self._reader = FrameReader.of_replies()
        self._reader.held = HELD
        self._sent = 0
        self._drops_rest = False

    def _unread(self) -> bytes:
        return self._reader.unread()

    def _parse(self, data: bytes) -> None:
        reader, session = self._reader, self._session
        watchful = self._look_around()
        at = self._conversation.watch.books.now()
        self._sent = end = 0
        buffer = b""
        try:
            for kind, start, end in reader.read(data):
                buffer = reader.buffer
                if watchful or kind == CONTINUATION:
                    if not self._consider(kind, start, end, at):
                        break
                else:
                    replied(session, kind, buffer, start + 5, end)
                    self._trace(at, kind, start, end)
        finally:
            self._send(buffer[self._sent : end])
        if self.is_blocked:
            self._keep_unread()

    def _look_around(self) -> bool:
        """Return whether messages have to be looked at one by one."""
        faults = self._conversation.watch.reply_faults
        self._reader.singly = any(fault.trigger == Message("CopyData") for fault in faults)
        shared = self._shared
        meddled = shared.meddling or shared.gate is not None
        return bool(faults) or meddled or self.dropping or self._drops_rest

    def _trace(self, at: float, kind: int, start: int, end: int) -> None:
        subject = None
        if kind == _COMMAND_COMPLETE:
            subject = command(self._reader.buffer[start + 5 : end])[0]
        elif kind == _ERROR:
            subject = sqlstate(self._reader.buffer[start + 5 : end])
        self._conversation.watch.trace.write(
            (
                at,
                self._number,
                "reply",
                kind,
                subject,
                end - start,
                self._reader.count,
                self._session.transaction,
                None,
            )
        )

    def _consider(self, kind: int, start: int, end: int, at: float) -> bool:
        """Look at one message; return whether the next one may be looked at."""
        if kind == CONTINUATION:
            if self._drops_rest:
                self._sent = end
                self._drops_rest = self._reader.unfinished
            return True
        request = replied(self._session, kind, self._reader.buffer, start + 5, end)
        self._trace(at, kind, start, end)
        if self.dropping:
            self._discard(end)
        elif kind not in UNASKED:
            self._look(kind, start, end, request)
        self._after(kind, request)
        return not self.is_blocked and not self._conversation.over

    def _look(self, kind: int, start: int, end: int, request: Request | None) -> None:
        if kind == _ERROR and request is not None and request.substitute is not None:
            self._exchange(start, end, request.substitute)
        elif self._shared.muting or (request is not None and request.muted):
            self._mute(kind, start, end)
        else:
            self._strike(kind, start, end, request)

    def _after(self, kind: int, request: Request | None) -> None:
        if request is not None and request.name in {"Query", "Startup"}:
            request.begun = True
            if kind == _READY:
                self._shared.plans.pop(request, None)
        gate = self._shared.gate
        if gate is not None and request is gate and kind in _ENDS_EXECUTION:
            self._shared.gate = None
            self._shared.open_gate(gate)

    def _strike(self, kind: int, start: int, end: int, request: Request | None) -> None:
        """Let faults strike the message."""
        conversation = self._conversation
        payload = self._reader.buffer[start + 5 : end] if kind == _COMMAND_COMPLETE else b""
        point = self._points.reply(kind, request, payload)
        strikes = conversation.watch.strike(point, conversation.link.client_port)
        planned = None if request is None else self._shared.plans.get(request)
        if planned is not None and not strikes and kind == _COMMAND_COMPLETE and planned.is_due(request):
            strikes = [conversation.watch.force(planned.fault, point, conversation.link.client_port)]
        if strikes:
            data = self._take_out(start, end)
            self._deal(StoppedReply(data, deque(strikes), kind=kind, request=request, dropped=self._dropped))

    def _take_out(self, start: int, end: int) -> bytes:
        """Pass on what stands before a message, and return it."""
        buffer = self._reader.buffer
        self._send(buffer[self._sent : start])
        self._sent = end
        return buffer[start:end]

    def _discard(self, end: int) -> None:
        self._sent = end
        self._drops_rest = self._reader.unfinished

    def _dropped(self) -> None:
        self._drops_rest = self._reader.unfinished

    # Errors.

    def _exchange(self, start: int, end: int, substitute: bytes) -> None:
        """Show the client another error than the server's."""
        self._take_out(start, end)
        self._send(substitute)
        if self._shared.fatal:
            self._conversation.cut()

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
            self._shared.abort_transaction()
