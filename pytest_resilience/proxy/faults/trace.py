"""The message trace of a proxy: what passed, when, and how large it was; never what was in it."""

from __future__ import annotations

from typing import Any

from pytest_resilience.proxy.faults.journal import Journal
from pytest_resilience.proxy.faults.path_template import path_shape
from pytest_resilience.proxy.wire.postgres.names import REPLIES, REQUESTS
from pytest_resilience.proxy.wire.sql.shape import shape

KEPT = 10_000
Entry = tuple[float, int, str, int | str, str | None, int, int, str | None, str | None]
"""When, connection, direction, message, SQL or path, bytes, count, mark, fault: made for each message.

The mark is the transaction status, or for an HTTP request `KEYED` where it carries an idempotency key.
"""
KEYED = "key"


class Trace(Journal[Entry]):
    """The last messages of one proxy."""

    def __init__(self) -> None:
        super().__init__(KEPT)

    def notice(self, at: float, connection: int, text: str, fault: str | None = None) -> None:
        """Write what is no message."""
        self.write((at, connection, "-", text, None, 0, 1, None, fault))


def entry_json(number: int, entry: Entry) -> dict[str, Any]:
    """Return an entry as the API shows it."""
    at, connection, direction, message, subject, size, count, mark, fault = entry
    names = REQUESTS if direction == "request" else REPLIES
    return {
        "id": number,
        "at": at,
        "connection": connection,
        "direction": direction,
        "message": names.get(message, "?") if isinstance(message, int) else message,
        "shape": None if subject is None else _shape(subject, direction, message),
        "bytes": size,
        "count": count,
        "transaction": None if mark == KEYED else mark,
        "keyed": mark == KEYED,
        "fault": fault,
    }


def _shape(subject: str, direction: str, message: int | str) -> str:
    """Return what may be shown: of SQL and paths the shape; a reply's subject is a tag or a code."""
    if isinstance(message, str):
        return path_shape(subject)
    return shape(subject) if direction == "request" else subject
