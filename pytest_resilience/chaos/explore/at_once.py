"""How much of a workload goes on at the same time: several connections that write may commit in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest_resilience.chaos.run.record import Message, RunRecord

_WRITES = (
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "COPY",
    "CREATE",
    "ALTER",
    "DROP",
    "TRUNCATE",
    "GRANT",
    "SELECT INTO",
)
_NO_WORK = frozenset({"SSLRequest", "GSSENCRequest", "CancelRequest", "Startup", "Password", "Terminate"})
"""Requests that open a connection or close it: pools do so in the background."""


def is_write(message: Message) -> bool:
    """Tell whether a message is the database's word that a statement that writes is done."""
    return (
        message.side == "reply"
        and message.message == "CommandComplete"
        and (message.shape or "").upper().startswith(_WRITES)
    )


def writers_at_once(run: RunRecord, service: str) -> int:
    """Return how many connections that write had work under way at the same time, at most."""
    messages = [message for message in run.messages if message.service == service]
    writers = {message.connection for message in messages if is_write(message)}
    return _most(message for message in messages if message.connection in writers)


def callers_at_once(run: RunRecord, service: str) -> int:
    """Return how many connections had a request under way at the same time, at most, that nothing tells apart."""
    return _most(message for message in run.messages if message.service == service)


def _most(messages: Iterable[Message]) -> int:
    """Count the connections that wait for an answer: until the server is ready again, or a status has come.

    HTTP requests for something else are told apart.
    """
    busy: dict[int, str | None] = {}
    most = 0
    for message in messages:
        if message.side == "request" and message.message not in _NO_WORK:
            busy.setdefault(message.connection, message.target)
            most = max(most, *Counter(busy.values()).values())
        elif _is_over(message):
            busy.pop(message.connection, None)
    return most


def _is_over(message: Message) -> bool:
    answered = message.message == "ReadyForQuery" or message.message[:3].isdigit()
    return (message.side == "reply" and answered) or (message.side == "-" and message.message == "closed")
