"""Both directions of an inspected connection, and what happens to both at once: an `Inspector`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pytest_resilience.proxy.faults.holds import Decision, Hold
from pytest_resilience.proxy.faults.kinds import Hold as HoldKind
from pytest_resilience.proxy.faults.waiting import Waiting
from pytest_resilience.proxy.faults.watch import Strike, Watch
from pytest_resilience.proxy.inspector import InspectedLink


class Direction(Protocol):
    """A stream, as its conversation sees it."""

    dropping: bool

    def take(self, data: bytes) -> None:
        """Take what the sender says."""

    def ended(self, *, reset: bool) -> None:
        """Learn that the sender says no more."""

    def end_now(self, *, reset: bool) -> None:
        """Pass the sender's end on, past everything that waits."""

    def block(self, reason: object) -> None:
        """Let nothing pass until this reason is taken away."""

    def unblock(self, reason: object) -> None:
        """Take a reason away; without any, go on."""

    def give_up(self) -> None:
        """Understand nothing from now on."""


class Conversation:
    """One inspected connection.

    Args:
        link: the connection.
        watch: of its proxy.

    Attributes:
        at_end: called when the connection is over.
    """

    requests: Direction
    replies: Direction

    def __init__(self, link: InspectedLink, watch: Watch) -> None:
        self.link = link
        self.watch = watch
        self.opaque = False
        self.over = False
        self._client_gone = False
        self._hung = 0
        self._waits: set[Waiting] = set()
        self._holds: set[Hold] = set()
        self.at_end: Callable[[], None] = _nothing
        watch.connected()
        self.notice("connected")

    def notice(self, text: str) -> None:
        """Write into the trace what is no message."""
        self.watch.trace.notice(self.watch.books.now(), self.link.number, text)

    # What the link reports.

    def client_data(self, data: bytes) -> None:
        """Take bytes that the client sent."""
        self.requests.take(data)

    def server_data(self, data: bytes) -> None:
        """Take bytes that the server sent."""
        self.replies.take(data)

    def client_ended(self, *, reset: bool) -> None:
        """Pass the client's end on; where the connection hangs, past everything that waits."""
        self._client_gone = True
        for hold in self._holds:
            hold.client_gone = True
        if self._hung:
            self.requests.end_now(reset=reset)
        else:
            self.requests.ended(reset=reset)

    def server_ended(self, *, reset: bool) -> None:
        """Pass the server's end on; where the connection hangs, only to a client that is gone."""
        if self._hung and self._client_gone:
            self.replies.end_now(reset=reset)
        else:
            self.replies.ended(reset=reset)

    def closed(self) -> None:
        """Forget everything that waits."""
        self.over = True
        for hold in tuple(self._holds):
            hold.decide(Decision.GONE)
        for waiting in tuple(self._waits):
            waiting.end()
        self.at_end()
        self.notice("closed")

    # What happens to both directions.

    def give_up(self, why: str) -> None:
        """Stop understanding the protocol: pass everything on as it is."""
        if not self.opaque:
            self.opaque = True
            self.notice(f"opaque: {why}")
            self.requests.give_up()
            self.replies.give_up()

    def cut(self) -> None:
        """Send FIN to both sides, behind what was passed on."""
        if not self.over:
            self.over = True
            self.link.close()

    def reset(self) -> None:
        """Send RST to both sides."""
        if not self.over:
            self.over = True
            self.link.abort()

    def wait(self, strike: Strike, healed: Callable[[], None]) -> Waiting:
        """Begin a wait that ends at the latest when the fault is healed or the connection is over."""
        waiting = Waiting(strike.fault, healed, self._waits.discard)
        self._waits.add(waiting)
        return waiting

    def hold(self, strike: Strike, decided: Callable[[Decision], None]) -> None:
        """Let the controller decide on a message."""
        kind = strike.fault.kind
        books = self.watch.books
        lease = kind.lease if isinstance(kind, HoldKind) else 0.0

        def carry_out(decision: Decision) -> None:
            self._holds.discard(hold)
            waiting.end()
            if decision is not Decision.GONE:
                decided(decision)

        def renew(seconds: float) -> None:
            hold.expires_at = books.now() + seconds
            waiting.until(self.link.call_later, seconds, lambda: hold.decide(Decision.EXPIRED))

        hold = books.holds.open(strike.number, strike.receipt, carry_out)
        waiting = self.wait(strike, healed=lambda: hold.decide(Decision.HEALED))
        hold.renew = renew
        renew(lease)
        hold.client_gone = self._client_gone
        self._holds.add(hold)

    def hang(self, strike: Strike, *, keep: bool, healed: Callable[[], None]) -> None:
        """Stop both directions until the fault is healed.

        Args:
            strike: the fault.
            keep: keep what comes until then; else it is dropped.
            healed: goes on with the message that was struck, if it was kept.
        """
        streams = (self.requests, self.replies)
        self._hung += 1
        for stream in streams:
            if keep:
                stream.block(strike)
            else:
                stream.dropping = True

        def heal() -> None:
            self._hung -= 1
            for stream in streams:
                stream.dropping = stream.dropping and self._hung > 0
            if keep:
                healed()
                for stream in streams:
                    stream.unblock(strike)

        self.wait(strike, healed=heal)


def _nothing() -> None:
    pass
