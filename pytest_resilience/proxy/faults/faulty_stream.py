"""A stream that does to messages what faults say.

What the messages of a protocol are its subclasses know: `_parse` cuts them out, and gives those that faults strike to
`_deal`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from pytest_resilience.proxy.faults.holds import Decision
from pytest_resilience.proxy.faults.kinds import Cut, Delay, Hang, Hold, Reset, Truncate
from pytest_resilience.proxy.faults.stream import Stream
from pytest_resilience.proxy.faults.watch import Strike


@dataclass(slots=True, eq=False)
class Stopped:
    """A message that faults have struck.

    Args:
        data: as much of it as there is.
        strikes: what is still to be done to it.
        dropped: told if it is never passed on.
    """

    data: bytes
    strikes: deque[Strike]
    dropped: Callable[[], None] = field(default=lambda: None)


class FaultyStream(Stream):
    """Delay, hold, hang, cut, reset or truncate what is struck; the rest is left to the protocol."""

    def _special(self, strike: Strike, stopped: Stopped) -> None:
        """Do to a message what only this protocol can."""
        raise NotImplementedError

    def _deal(self, stopped: Stopped) -> None:
        """Do to a message what is still to be done, one fault after the other, and pass it on if any of it is left."""
        if not stopped.strikes:
            self._send(stopped.data)
            self.unblock(stopped)
            return
        strike = stopped.strikes.popleft()
        kind = strike.fault.kind
        if isinstance(kind, Delay):
            self._delay(kind, strike, stopped)
        elif isinstance(kind, Hold):
            self._hold(strike, stopped)
        elif isinstance(kind, Hang):
            self._hang(kind, strike, stopped)
        else:
            self._finish(strike, stopped)

    def _finish(self, strike: Strike, stopped: Stopped) -> None:
        kind = strike.fault.kind
        if isinstance(kind, Cut):
            self._conversation.cut()
        elif isinstance(kind, Reset):
            self._conversation.reset()
        elif isinstance(kind, Truncate):
            self._truncate(kind.bytes, stopped)
        else:
            self._special(strike, stopped)

    def _truncate(self, size: int, stopped: Stopped) -> None:
        self._send(stopped.data[:size])
        self._conversation.cut()

    def _delay(self, kind: Delay, strike: Strike, stopped: Stopped) -> None:
        self.block(stopped)
        go_on = partial(self._deal, stopped)
        waiting = self._conversation.wait(strike, healed=go_on)
        waiting.until(self._conversation.link.call_later, kind.by, go_on)

    def _hold(self, strike: Strike, stopped: Stopped) -> None:
        self.block(stopped)
        self._conversation.hold(strike, partial(self._decided, stopped))

    def _decided(self, stopped: Stopped, decision: Decision) -> None:
        if decision is Decision.CUT:
            self._conversation.cut()
        elif decision is Decision.RESET:
            self._conversation.reset()
        elif decision is Decision.DROP:
            self._drop(stopped)
        else:
            self._deal(stopped)

    def _hang(self, kind: Hang, strike: Strike, stopped: Stopped) -> None:
        if not kind.keep:
            self._drop(stopped)
        else:
            self.block(stopped)
        self._conversation.hang(strike, keep=kind.keep, healed=partial(self._deal, stopped))

    def _drop(self, stopped: Stopped) -> None:
        stopped.dropped()
        self.unblock(stopped)
