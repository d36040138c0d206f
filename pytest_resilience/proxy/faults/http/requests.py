"""What an HTTP client says, on its way to the server."""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import cast

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.faulty_stream import Stopped
from pytest_resilience.proxy.faults.http.respond import answer
from pytest_resilience.proxy.faults.http.shared import Exchange, HttpShared
from pytest_resilience.proxy.faults.http.stream import HttpStream
from pytest_resilience.proxy.faults.kinds import BadChunk, Respond, Slow
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.point import HttpRequest, Side
from pytest_resilience.proxy.faults.trace import request_mark
from pytest_resilience.proxy.faults.watch import Strike
from pytest_resilience.proxy.wire.http.frames import HttpReader, Part, Piece
from pytest_resilience.proxy.wire.http.head import RequestHead, with_host

SEARCHED = 1024 * 1024
"""Bytes of a body that are held back to be searched; a pattern is not looked for behind them."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclasses.dataclass(slots=True, eq=False, kw_only=True)
class StoppedRequest(Stopped):
    """A request that faults have struck.

    Args:
        exchange: it, and its reply.
    """

    exchange: Exchange


@dataclasses.dataclass(slots=True)
class _Collected:
    """A request that waits for its body to be searched.

    Args:
        raw: its bytes.
        body: what it says.
    """

    raw: bytearray
    body: bytearray


class HttpRequests(HttpStream):
    """The client's direction.

    Args:
        conversation: the connection.
        plumbing: to the server.
        shared: what the other direction knows too.
    """

    def __init__(self, conversation: Conversation, plumbing: Plumbing, shared: HttpShared) -> None:
        super().__init__(conversation, plumbing, HttpReader.of_requests())
        self._shared = shared
        self._exchange: Exchange | None = None
        self._collected: _Collected | None = None
        self._respond: Respond | None = None

    def _unread(self) -> bytes:
        collected, self._collected = self._collected, None
        return (b"" if collected is None else bytes(collected.raw)) + super()._unread()

    def _begin(self, piece: Piece) -> None:
        head = cast("RequestHead", piece.head)
        request = HttpRequest(method=head.method.upper(), path=head.path, headers=head.headers)
        exchange = self._exchange = Exchange(head, request)
        self._shared.pending.append(exchange)
        mark = request_mark(head.key, head.method, head.target, head.length)
        self._trace("request", head.method, head.path, head, mark)
        host = self._conversation.watch.configuration.host
        raw = piece.raw if host is None else with_host(head, host)
        faults = self._conversation.watch.request_faults
        point = self._shared.point(Side.REQUEST, request)
        if not faults:
            self._pass(raw)
        elif any(fault.conditions.body is not None and fault.may_strike(point) for fault in faults):
            self._collected = _Collected(bytearray(raw), bytearray())
            if head.waits_to_send:
                exchange.continued = True
                self._shared.to_client(CONTINUE)
        else:
            self._strike(exchange, raw)

    def _go_on(self, piece: Piece) -> None:
        collected = self._collected
        if collected is None or self._exchange is None:
            super()._go_on(piece)
            return
        collected.raw += piece.raw
        collected.body += piece.payload
        if piece.part is Part.END or len(collected.raw) > SEARCHED:
            self._collected = None
            exchange = self._exchange
            exchange.request = dataclasses.replace(exchange.request, body=bytes(collected.body[:SEARCHED]))
            self._strike(exchange, bytes(collected.raw))

    def _finished(self) -> None:
        self._give_answer()

    def _strike(self, exchange: Exchange, data: bytes) -> None:
        """Let faults strike a request; what they do to its reply is left to that."""
        conversation = self._conversation
        point = self._shared.point(Side.REQUEST, exchange.request)
        strikes = conversation.watch.strike(point, conversation.link.client_port)
        exchange.strikes = [s for s in strikes if isinstance(s.fault.kind, Slow | BadChunk)]
        now = deque(s for s in strikes if s not in exchange.strikes)
        if not now:
            self._pass(data)
            return
        self._flush()
        stopped = StoppedRequest(data, now, exchange=exchange)
        stopped.dropped = lambda: self._dropped(exchange)
        self._deal(stopped)

    def _dropped(self, exchange: Exchange) -> None:
        """Forget a request that the server never gets."""
        self._skip_rest()
        if exchange in self._shared.pending:
            self._shared.pending.remove(exchange)

    def _special(self, strike: Strike, stopped: Stopped) -> None:
        kind = strike.fault.kind
        if not isinstance(kind, Respond) or not isinstance(stopped, StoppedRequest):
            raise TypeError(f"{kind} cannot be done to an HTTP request")
        self._respond = kind
        self._exchange = stopped.exchange
        self._skip_rest()
        if not self._reader.inside or stopped.exchange.head.waits_to_send:
            self._give_answer()
        self.unblock(stopped)

    def _give_answer(self) -> None:
        """Answer in the server's place, when the client has said all."""
        respond, exchange = self._respond, self._exchange
        if respond is None or exchange is None:
            return
        self._respond = None
        exchange.last = exchange.head.closes() or self._reader.inside
        exchange.answer = answer(respond, exchange.head, close=exchange.last)
        self._shared.answer()
