"""How much of a workload goes on at the same time: several connections that write may commit in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain

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
    return max(_most(message for message in messages if message.connection in writers), _most_alike(messages))


def callers_at_once(run: RunRecord, service: str) -> int:
    """Return how many connections had a request under way at the same time, at most, that nothing tells apart."""
    messages = [message for message in run.messages if message.service == service]
    return max(_most(messages), _most_alike(messages))


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


def _most_alike(messages: Iterable[Message]) -> int:
    """Count the connections that have the same statement that writes in a transaction not yet ended.

    So do the workers of one code, even where no two of their statements wait for an answer at the same time; a
    connection beside that writes something else, a log of its own say, is one of another operation.
    """
    written: dict[int, set[str]] = {}
    most = 0
    for message in messages:
        if message.side == "request" and message.shape and message.shape.upper().startswith(_WRITES):
            written.setdefault(message.connection, set()).add(message.shape)
            most = max(most, *Counter(chain.from_iterable(written.values())).values())
        elif _is_over(message) and message.transaction in (None, "I"):
            written.pop(message.connection, None)
    return most


def _is_over(message: Message) -> bool:
    answered = message.message == "ReadyForQuery" or message.message[:3].isdigit()
    return (message.side == "reply" and answered) or (message.side == "-" and message.message == "closed")
