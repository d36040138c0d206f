"""One direction of an inspected connection: it passes messages on, and does to them what faults say.

What the messages of a protocol are its subclasses know: `_parse` cuts them out, and lets `_struck` deal with those that
faults strike. While a stream is blocked what comes is kept; its sender is stopped when that is too much.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.holds import Decision
from pytest_resilience.proxy.faults.kinds import Cut, Delay, Hang, Hold, Reset, Truncate
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.watch import Strike
from pytest_resilience.proxy.wire.errors import ProtocolError

BACKLOG = 256 * 1024
"""Bytes kept in a blocked stream before its sender is stopped."""


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


class Stream:
    """Pass one direction on.

    Args:
        conversation: the connection.
        plumbing: where the bytes go.
    """

    def __init__(self, conversation: Conversation, plumbing: Plumbing) -> None:
        self._conversation = conversation
        self._plumbing = plumbing
        self._backlog: deque[bytes] = deque()
        self._kept = 0
        self._paused = False
        self._reasons: set[object] = set()
        self._end: bool | None = None
        self._busy = False
        self.dropping = False

    @property
    def is_blocked(self) -> bool:
        """Whether what comes is kept."""
        return bool(self._reasons)

    # What the sender says.

    def take(self, data: bytes) -> None:
        """Take what the sender says."""
        if self._conversation.over:
            return
        if self._reasons:
            self._keep(data)
        else:
            self._process(data)

    def ended(self, *, reset: bool) -> None:
        """Learn that the sender says no more; passed on behind everything that waits."""
        self._end = reset
        if not self._reasons:
            self.end_now(reset=reset)

    def end_now(self, *, reset: bool) -> None:
        """Pass the sender's end on, past everything that waits."""
        if self._conversation.over:
            return
        if not self._reasons and not self.dropping:
            self._send(self._unread())
        if reset:
            self._plumbing.reset()
        else:
            self._plumbing.end()

    # Stopping and going on.

    def block(self, reason: object) -> None:
        """Let nothing pass until this reason is taken away."""
        self._reasons.add(reason)

    def unblock(self, reason: object) -> None:
        """Take a reason away; without any, go on with what was kept."""
        self._reasons.discard(reason)
        if self._busy:
            return
        while self._backlog and not self._reasons and not self._conversation.over:
            data = b"".join(self._backlog)
            self._backlog.clear()
            self._kept = 0
            self._process(data)
        if self._reasons or self._conversation.over:
            return
        if self._paused:
            self._paused = False
            self._plumbing.resume()
        if self._end is not None:
            self.end_now(reset=self._end)

    def _keep(self, data: bytes) -> None:
        self._backlog.append(data)
        self._kept += len(data)
        if self._kept > BACKLOG and not self._paused:
            self._paused = True
            self._plumbing.pause()

    def _keep_unread(self) -> None:
        """Put back what has been taken and not been looked at; call it when blocked in the middle of parsing."""
        data = self._unread()
        if data:
            self._backlog.appendleft(data)
            self._kept += len(data)

    def _process(self, data: bytes) -> None:
        if self._conversation.opaque:
            self._send(data)
            return
        self._busy = True
        try:
            self._parse(data)
        except ProtocolError as error:
            self._conversation.give_up(str(error))
        finally:
            self._busy = False

    def give_up(self) -> None:
        """Understand nothing from now on, and pass on what there is."""
        self._send(self._unread())

    def _send(self, data: bytes) -> None:
        if data and not self._conversation.over:
            self._plumbing.send(data)

    # What a protocol knows.

    def _parse(self, data: bytes) -> None:
        """Cut messages out of the data and pass them on.

        Raises:
            ProtocolError: there are none in it.
        """
        raise NotImplementedError

    def _unread(self) -> bytes:
        """Return what has been taken and neither passed on nor thrown away, and forget it."""
        raise NotImplementedError

    def _special(self, strike: Strike, stopped: Stopped) -> None:
        """Do to a message what only this protocol can."""
        raise NotImplementedError

    # What faults do.

    def _deal(self, stopped: Stopped) -> None:
        """Do to a message what is still to be done, one fault after the other, and pass it on if any of it is left."""
        while stopped.strikes:
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
            return
        self._send(stopped.data)
        self.unblock(stopped)

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
