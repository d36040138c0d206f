"""One direction of an inspected connection: it passes messages on, and can be blocked."""

from __future__ import annotations

from collections import deque

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.wire.errors import ProtocolError

BACKLOG = 256 * 1024
"""Bytes kept in a blocked stream before its sender is stopped."""


class Stream:
    """Pass one direction on; while it is blocked what comes is kept, and its sender stopped when that is too much.

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
