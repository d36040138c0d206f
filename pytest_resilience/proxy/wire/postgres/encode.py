"""PostgreSQL messages that the proxy says itself (documentation, chapters 54.7 and 54.8)."""

from __future__ import annotations

import struct

_REFUSED_STATEMENT = "pytest_resilience_injected"
INJECTED_SQL = f'select "{_REFUSED_STATEMENT}"'
"""A statement that fails when its turn comes, after those before it in the same text were executed."""

FLUSH = b"H\x00\x00\x00\x04"
SYNC = b"S\x00\x00\x00\x04"
COPY_FAIL = b"f" + struct.pack("!I", 4 + len(_REFUSED_STATEMENT) + 1) + _REFUSED_STATEMENT.encode() + b"\x00"


def message(kind: bytes, payload: bytes) -> bytes:
    """Frame one message."""
    return kind + struct.pack("!I", 4 + len(payload)) + payload


REFUSED_PARSE = message(b"P", f"{_REFUSED_STATEMENT}\0{_REFUSED_STATEMENT}\0\0\0".encode())
"""A Parse that the server must answer with an error, which aborts its transaction and nothing else.

It has a name of its own, since a Parse of the unnamed statement would drop the client's.
"""

ROLLBACK = (
    message(b"P", f"{_REFUSED_STATEMENT}\0rollback\0\0\0".encode())
    + message(b"B", f"\0{_REFUSED_STATEMENT}\0\0\0\0\0\0\0".encode())
    + message(b"E", b"\0\0\0\0\0")
    + message(b"C", f"S{_REFUSED_STATEMENT}\0".encode())
    + SYNC
)
"""The end of a transaction, without a simple query, which would drop the client's unnamed statement."""


def query(sql: bytes) -> bytes:
    """Return a simple query."""
    return message(b"Q", sql + b"\x00")


def error_response(*, severity: str, sqlstate: str, text: str, detail: str | None = None) -> bytes:
    """Return an ErrorResponse.

    Args:
        severity: ERROR, FATAL or PANIC.
        sqlstate: five characters.
        text: the primary message.
        detail: the secondary one.
    """
    fields = [("S", severity), ("V", severity), ("C", sqlstate), ("M", text)]
    if detail is not None:
        fields.append(("D", detail))
    fields.append(("R", "pytest_resilience"))
    payload = b"".join(code.encode() + value.encode() + b"\x00" for code, value in fields)
    return message(b"E", payload + b"\x00")
