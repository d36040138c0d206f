"""A connection whose protocol nobody knows: whose turn it is to speak, and that alone, is written into the trace."""

from __future__ import annotations

from collections import deque

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.faulty_stream import FaultyStream, Stopped
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.point import Point, Side
from pytest_resilience.proxy.faults.watch import Watch
from pytest_resilience.proxy.inspector import InspectedLink

DATA = "Data"
"""What a turn is called: bytes of one side, until the other one speaks."""


class Turns:
    """Who spoke last on one connection.

    Args:
        number: the connection's.
        watch: of its proxy.
    """

    __slots__ = ("_last", "_number", "_watch")

    def __init__(self, number: int, watch: Watch) -> None:
        self._number = number
        self._watch = watch
        self._last: Side | None = None

    def speaks(self, side: Side, size: int) -> None:
        """Note that one side says something, where that is a new turn."""
        if side is not self._last:
            self._last = side
            now = self._watch.books.now()
            self._watch.trace.write((now, self._number, str(side), DATA, None, size, 1, None, None))


class TurnStream(FaultyStream):
    """One direction: everything is passed on as it is, but for faults at whatever comes.

    Args:
        conversation: the connection.
        plumbing: where the bytes go.
        side: who speaks.
        turns: of the connection.
    """

    def __init__(self, conversation: Conversation, plumbing: Plumbing, side: Side, turns: Turns) -> None:
        super().__init__(conversation, plumbing)
        self._side = side
        self._turns = turns

    def _parse(self, data: bytes) -> None:
        self._turns.speaks(self._side, len(data))
        conversation, watch = self._conversation, self._conversation.watch
        is_request = self._side is Side.REQUEST
        if not (watch.request_faults if is_request else watch.reply_faults):
            self._send(data)
            return
        point = Point(
            side=self._side, label=DATA, connection=conversation.link.number, age=watch.age, names=(DATA,)
        )
        strikes = watch.strike(point, conversation.link.client_port)
        if strikes:
            self._deal(Stopped(data, deque(strikes)))
        else:
            self._send(data)

    def _unread(self) -> bytes:
        return b""


def inspect_turns(link: InspectedLink, watch: Watch) -> Conversation:
    """Return the inspector of one connection of an unknown protocol."""
    conversation, turns = Conversation(link, watch), Turns(link.number, watch)
    conversation.requests = TurnStream(conversation, Plumbing.to_server(link), Side.REQUEST, turns)
    conversation.replies = TurnStream(conversation, Plumbing.to_client(link), Side.REPLY, turns)
    return conversation
