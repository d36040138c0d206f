"""What a server's message changes in a PostgreSQL session, and which request it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from pytest_resilience.proxy.wire.postgres.requests import CopyIn, Request
from pytest_resilience.proxy.wire.postgres.session import PostgresSession, field

_CYCLE_ENDS = frozenset({"Query", "Sync", "FunctionCall", "Startup"})
"""Requests that are answered by ReadyForQuery."""


def replied(session: PostgresSession, kind: int, buffer: bytes, start: int, end: int) -> Request | None:
    """Take a reply whose payload is `buffer[start:end]`, and return the request that it answers."""
    handle = CHANGES.get(kind)
    return session.head if handle is None else handle(session, buffer, start, end)


@lru_cache(maxsize=512)
def command(payload: bytes) -> tuple[str, int]:
    """Return the tag and the number of rows of a CommandComplete; `INSERT 0 5` is 5 rows."""
    words = payload.rstrip(b"\x00").decode("utf-8", errors="replace").split(" ")
    numbers = []
    while words and words[-1].isdecimal():
        numbers.append(int(words.pop()))
    tag = " ".join(words)
    return "BEGIN" if tag == "START TRANSACTION" else tag, numbers[0] if numbers else 0


def sqlstate(payload: bytes) -> str:
    """Return the code of an ErrorResponse (chapter 54.8)."""
    found = next((f for f in payload.split(b"\x00") if f.startswith(b"C")), b"")
    return found[1:].decode("ascii", errors="replace")


def _suspended(session: PostgresSession, _buffer: bytes, _start: int, _end: int) -> Request | None:
    pending = session.pending
    return pending.popleft() if pending and pending[0].name == "Execute" else session.head


def _completed(session: PostgresSession, _buffer: bytes, _start: int, _end: int) -> Request | None:
    session.copy_in = None
    pending = session.pending
    if not pending:
        return None
    head = pending[0]
    if head.name == "Execute":
        return pending.popleft()
    head.answers += 1
    head.copied = False
    return head


def _copy_begins(session: PostgresSession, buffer: bytes, start: int, _end: int) -> Request | None:
    head = session.head
    if head is None:
        return None
    head.copying = True
    if session.copy_in is None and not head.copied:
        session.copy_in = CopyIn(head, binary=buffer[start] == 1)
    while head.name == "Execute" and session.pending[-1].name == "Sync":
        session.pending.pop()  # sent along with the Execute; the server ignores it while it waits for rows
    return head


def _failed(session: PostgresSession, _buffer: bytes, _start: int, _end: int) -> Request | None:
    """Take an error: in the extended protocol, everything before the next Sync goes unanswered.

    What is only prepared, bound or described is not among the pending requests, and may fail without any.
    """
    session.copy_in = None
    head = session.head
    if head is not None and head.name in _CYCLE_ENDS:
        return head
    pending = session.pending
    while pending and pending[0].name != "Sync":
        pending.popleft()
    session.skipping = not pending
    return head


def _ready(session: PostgresSession, buffer: bytes, start: int, _end: int) -> Request | None:
    session.transaction = chr(buffer[start])
    session.copy_in = None
    request = None
    while session.pending:
        request = session.pending.popleft()
        if request.name in _CYCLE_ENDS:
            break
    if session.transaction == "I" and not session.pending:
        session.portals.clear()
    return request


def _parameter(session: PostgresSession, buffer: bytes, start: int, end: int) -> Request | None:
    name, position = field(buffer, start, end)
    if name == b"application_name":
        session.application_name = field(buffer, position, end)[0].decode("utf-8", errors="replace")
    return None


CHANGES: Mapping[int, Callable[[PostgresSession, bytes, int, int], Request | None]] = {
    ord("s"): _suspended,
    ord("I"): _completed,
    ord("C"): _completed,
    ord("G"): _copy_begins,
    ord("E"): _failed,
    ord("Z"): _ready,
    ord("S"): _parameter,
}
"""What is done for the replies that change something."""
