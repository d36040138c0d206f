"""What both directions of an HTTP connection know: the requests that have not been answered yet, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_resilience.proxy.faults.path_template import path_shape
from pytest_resilience.proxy.faults.point import HttpRequest, Point, Side
from pytest_resilience.proxy.faults.watch import Strike, Watch
from pytest_resilience.proxy.wire.http.head import RequestHead


@dataclass(slots=True, eq=False)
class Exchange:
    """A request and its reply.

    Args:
        head: of the request.
        request: what faults look at.
        strikes: faults that have struck the request and act on the reply.
        answer: what the engine answers in the server's place, as soon as it is this request's turn.
        last: the connection ends behind the engine's answer.
        continued: the engine has asked for the body; the server's own 100 is not for the client.
    """

    head: RequestHead
    request: HttpRequest
    strikes: list[Strike] = field(default_factory=list)
    answer: bytes | None = None
    last: bool = False
    continued: bool = False


class HttpShared:
    """The exchanges of one connection.

    Args:
        number: the connection's number.
        watch: of its proxy.
        to_client: sends an answer.
        cut: ends the connection.
    """

    def __init__(
        self, number: int, watch: Watch, to_client: Callable[[bytes], None], cut: Callable[[], None]
    ) -> None:
        self._number = number
        self._watch = watch
        self.to_client = to_client
        self._cut = cut
        self.pending: deque[Exchange] = deque()

    @property
    def head(self) -> Exchange | None:
        """The oldest exchange."""
        return self.pending[0] if self.pending else None

    def answer(self) -> None:
        """Send the answers whose turn it is."""
        while self.pending and self.pending[0].answer is not None:
            exchange = self.pending.popleft()
            self.to_client(exchange.answer or b"")
            if exchange.last:
                self._cut()
                return

    def point(self, side: Side, request: HttpRequest | None) -> Point:
        """Return the point of a request, or of the reply to it."""
        label = "" if request is None else f"{request.method} {path_shape(request.path)}"
        return Point(side=side, label=label, connection=self._number, age=self._watch.age, request=request)
