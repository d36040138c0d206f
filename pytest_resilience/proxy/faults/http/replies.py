"""What an HTTP server says, on its way to the client."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.faulty_stream import Stopped
from pytest_resilience.proxy.faults.http.pacer import Pacer
from pytest_resilience.proxy.faults.http.respond import answer
from pytest_resilience.proxy.faults.http.shared import Exchange, HttpShared
from pytest_resilience.proxy.faults.http.stream import HttpStream
from pytest_resilience.proxy.faults.kinds import BadChunk, Respond, Slow
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.point import Side
from pytest_resilience.proxy.faults.watch import Strike
from pytest_resilience.proxy.wire.http.frames import HttpReader, Part, Piece
from pytest_resilience.proxy.wire.http.head import Head, ReplyHead, as_chunked

INVALID_CHUNK = b"pytest-resilience\r\n"
"""No hexadecimal number, where the length of a chunk should be."""


@dataclass(slots=True, eq=False, kw_only=True)
class StoppedReply(Stopped):
    """A reply that faults have struck.

    Args:
        exchange: its request.
        head: its head.
    """

    exchange: Exchange
    head: ReplyHead


class HttpReplies(HttpStream):
    """The server's direction.

    Args:
        conversation: the connection.
        plumbing: to the client.
        shared: what the other direction knows too.
    """

    def __init__(self, conversation: Conversation, plumbing: Plumbing, shared: HttpShared) -> None:
        super().__init__(conversation, plumbing, HttpReader.of_replies(self._has_body))
        self._shared = shared
        self._is_final = True
        self._is_finishing = False
        self._pacer: Pacer | None = None
        self._breaks_chunk = False
        self._ends_connection = False

    def end_now(self, *, reset: bool) -> None:
        """Pass the server's end on; a reply may end with it."""
        for piece in () if reset or self._conversation.opaque else self._reader.finish():
            self._take_piece(piece)
            self._flush()
        super().end_now(reset=reset)

    def _has_body(self, head: Head) -> bool:
        return cast("ReplyHead", head).has_body(self._method)

    @property
    def _method(self) -> str | None:
        exchange = self._shared.head
        return None if exchange is None else exchange.head.method

    def _begin(self, piece: Piece) -> None:
        head = cast("ReplyHead", piece.head)
        exchange = self._shared.head
        path = None if exchange is None else exchange.head.path
        self._trace("reply", str(head.status), path, head)
        self._is_final = head.is_final
        if head.opens_tunnel(self._method):
            self._conversation.notice("tunnel: what follows is HTTP no more")
            self._conversation.opaque = True
        if exchange is not None and exchange.continued and head.status == HTTPStatus.CONTINUE:
            return  # the client has had one
        if exchange is None or not head.is_final:
            self._pass(piece.raw)
        else:
            self._strike(piece, head, exchange)

    def _strike(self, piece: Piece, head: ReplyHead, exchange: Exchange) -> None:
        """Let faults strike the reply, now that it has come or already when it was asked for."""
        conversation = self._conversation
        strikes: list[Strike] = [strike for strike in exchange.strikes if not strike.fault.healed]
        if conversation.watch.reply_faults:
            point = self._shared.point(Side.REPLY, exchange.request)
            strikes += conversation.watch.strike(point, conversation.link.client_port)
        if not strikes:
            self._pass(piece.raw)
            return
        self._flush()
        stopped = StoppedReply(piece.raw, deque(strikes), exchange=exchange, head=head)
        stopped.dropped = self._skip_rest
        self._deal(stopped)

    def _go_on(self, piece: Piece) -> None:
        if self._breaks_chunk:
            self._break_chunk(piece)
        else:
            super()._go_on(piece)

    def _finished(self) -> None:
        if self._pacer in self._reasons:
            self._is_finishing = True
            return
        if self._pacer is not None:
            self._pacer.end()
            self._pacer = None
        if not self._is_final:
            return
        if self._shared.pending:
            self._shared.pending.popleft()
        self._flush()
        if self._ends_connection:
            self._conversation.cut()
        self._shared.answer()

    def _pass(self, data: bytes) -> None:
        super()._pass(data)
        if self._pacer is not None:
            self._flush()

    def _flush(self) -> None:
        if self._pacer is None or not self._passed:
            super()._flush()
            return
        self.block(self._pacer)
        self._pacer.add(b"".join(self._passed))
        self._passed.clear()

    def _drained(self, pacer: object) -> None:
        """Go on when everything has been let out, perhaps with the next reply."""
        self._reasons.discard(pacer)
        if self._is_finishing:
            self._is_finishing = False
            self._finished()
        self.unblock(pacer)

    # What only HTTP has.

    def _special(self, strike: Strike, stopped: Stopped) -> None:
        kind = strike.fault.kind
        if not isinstance(stopped, StoppedReply):
            raise TypeError(f"{kind} cannot be done to an HTTP reply")
        if isinstance(kind, Respond):
            self._respond(kind, stopped)
        elif isinstance(kind, Slow):
            self._slow_down(kind, strike, stopped)
        elif isinstance(kind, BadChunk):
            self._begin_bad_chunk(stopped)
        self.unblock(stopped)

    def _respond(self, kind: Respond, stopped: StoppedReply) -> None:
        self._ends_connection = stopped.exchange.head.closes()
        self._send(answer(kind, stopped.exchange.head, close=self._ends_connection))
        self._skip_rest()

    def _slow_down(self, kind: Slow, strike: Strike, stopped: StoppedReply) -> None:
        """Pass on at a rate until the reply ends or the fault is healed; a message that waits is not cut."""
        conversation = self._conversation
        pacer = Pacer(kind.rate, self._send, conversation.link.call_later, self._drained)
        pacer.over = conversation.wait(strike, healed=pacer.hurry).end
        if not kind.headers:
            self._send(stopped.data)
        self._pacer = pacer
        if kind.headers:
            self._pass(stopped.data)

    def _begin_bad_chunk(self, stopped: StoppedReply) -> None:
        if not self._has_body(stopped.head):
            self._conversation.cut()
            return
        self._send(as_chunked(stopped.head))
        self._breaks_chunk = True

    def _break_chunk(self, piece: Piece) -> None:
        """Send half of what there is as a chunk, and then what is none."""
        if not piece.payload and piece.part is not Part.END:
            return
        half = piece.payload[: len(piece.payload) // 2]
        chunk = b"%x\r\n%b\r\n" % (len(half), half) if half else b""
        self._send(chunk + INVALID_CHUNK)
        self._conversation.cut()
