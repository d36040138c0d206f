"""Names and texts, quoted for SQL."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return a name as an SQL identifier, whatever it contains (PostgreSQL documentation, 4.1.1)."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL string, for statements that take no parameters (PostgreSQL documentation, 4.1.2)."""
    return "'" + text.replace("'", "''") + "'"
