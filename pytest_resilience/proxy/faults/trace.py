"""The message trace of a proxy: what passed, when, and how large it was; never what was in it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from pytest_resilience.proxy.faults.journal import Journal
from pytest_resilience.proxy.faults.path_template import path_shape
from pytest_resilience.proxy.wire.postgres.names import REPLIES, REQUESTS
from pytest_resilience.proxy.wire.sql.shape import shape

KEPT = 10_000
Entry = tuple[float, int, str, int | str, str | None, int, int, str | None, str | None]
"""When, connection, direction, message, SQL or path, bytes, count, mark, fault: made for each message.

The mark is the transaction status, or for an HTTP request what `request_mark` returns.
"""
_KEYED, _PLAIN = "key ", "req "
_SALT = secrets.token_bytes(16)


def request_mark(key: str | None, method: str, target: str, length: int | None) -> str:
    """Return the mark of an HTTP request: whether it carries an idempotency key, a digest of what is asked, its body.

    The same request, tried again, has the same digest; nobody can tell from it what the request was. Of the body it is
    the length, where the head says it.
    """
    said = f"{method} {target}" if key is None else key
    digest = hashlib.blake2s(said.encode("utf-8", "surrogateescape"), digest_size=6, key=_SALT).hexdigest()
    return f"{_PLAIN if key is None else _KEYED}{digest} {'' if length is None else length}"


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
    is_request = mark is not None and mark.startswith((_KEYED, _PLAIN))
    _, target, body = mark.split(" ") if mark is not None and is_request else ("", None, "")
    return {
        "id": number,
        "at": at,
        "connection": connection,
        "direction": direction,
        "message": names.get(message, "?") if isinstance(message, int) else message,
        "shape": None if subject is None else _shape(subject, direction, message),
        "bytes": size,
        "count": count,
        "transaction": None if is_request else mark,
        "keyed": mark is not None and mark.startswith(_KEYED),
        "target": target,
        "body": int(body) if body else None,
        "fault": fault,
    }


def _shape(subject: str, direction: str, message: int | str) -> str:
    """Return what may be shown: of SQL and paths the shape; a reply's subject is a tag or a code."""
    if isinstance(message, str):
        return path_shape(subject)
    return shape(subject) if direction == "request" else subject
