"""The message trace of a proxy: what passed, when, and how large it was; never what was in it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, TypeAlias, cast

from pytest_resilience.proxy.faults.journal import Journal
from pytest_resilience.proxy.faults.path_template import path_shape
from pytest_resilience.proxy.wire.postgres.names import REPLIES, REQUESTS
from pytest_resilience.proxy.wire.sql.shape import shape

KEPT = 10_000
Entry = tuple[float, int, str, int | str, str | None, int, int, str | None, str | None]
"""When, connection, direction, message, SQL or path, bytes, count, mark, fault: made for each message.

The mark is the transaction status, or for an HTTP request what `request_mark` returns.
"""
Sizes: TypeAlias = Sequence[tuple[int, int]]
"""The kind and the bytes of each message of a segment."""
Segment = tuple[float, int, str, Sizes, str, Sequence[tuple[int, str | None, str]]]
"""When, connection, direction, messages, the transaction status before them, and what changed: from which on it was so,
SQL or tag, and the status. One stands for all of its messages, as often as there are of them."""
_SEGMENT = 6
"""The length of a segment's record, which tells it from an entry."""
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

    def write_segment(self, segment: Segment) -> None:
        """Write the messages of a segment, which are told apart when somebody reads them."""
        self.extend(cast("tuple[Entry, ...]", (segment,) * len(segment[3])))

    def since(self, number: int) -> Iterator[tuple[int, Entry]]:
        """Return the messages that are kept with greater numbers, each with its own."""
        for _, group in groupby(super().since(number), key=lambda numbered: id(numbered[1])):
            alike = list(group)
            record: Entry | Segment = alike[0][1]
            entries = (
                _messages(cast("Segment", record))[-len(alike) :] if len(record) == _SEGMENT else [record]
            )
            yield from zip((number for number, _ in alike), cast("list[Entry]", entries), strict=True)

    def notice(self, at: float, connection: int, text: str, fault: str | None = None) -> None:
        """Write what is no message."""
        self.write((at, connection, "-", text, None, 0, 1, None, fault))


def _messages(segment: Segment) -> list[Entry]:
    """Return the messages of a segment, each as an entry."""
    at, connection, direction, sizes, status, changes = segment
    texts: dict[int, str | None] = {}
    statuses: dict[int, str] = {}
    for place, text, since in changes:
        texts[place], statuses[place] = text, since
    entries: list[Entry] = []
    for place, (kind, size) in enumerate(sizes):
        status = statuses.get(place, status)
        entries.append((at, connection, direction, kind, texts.get(place), size, 1, status, None))
    return entries


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
