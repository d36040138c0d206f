"""Read SQL just far enough to hide the data in it and to see which statements it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PIECE = re.compile(
    r"""
    (?P<data> [EeBbXxNn]?'(?:[^']|'')*(?:'|\Z)         # a string; in E'' a backslash may hide a quote, see
    below
      | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?:(?P=tag)|\Z)   # a dollar-quoted one
      | (?<![\w$])\d[\w.]*                              # a number
    )
    | (?P<name>"(?:[^"]|"")*(?:"|\Z))
    | (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\.", re.DOTALL)
LONGEST = 300
CONTROL = re.compile(
    r"(?:begin|start\s+transaction|commit|end|rollback(?!\s+(?:work\s+|transaction\s+)?to\b)|abort"
    r"|prepare\s+transaction)\b",
    re.IGNORECASE,
)


def without_data(sql: str) -> str:
    """Return the statement with `?` in place of each literal, on one line, cut to a length fit for a log."""
    hidden = " ".join(_pieces(sql, keep_ends=True).split())
    return hidden if len(hidden) <= LONGEST else f"{hidden[:LONGEST]}…"


def statements(sql: str) -> Iterator[str]:
    """Yield the statements of a string, without their data and comments."""
    for statement in _pieces(sql, keep_ends=True).split("\0"):
        if statement.strip():
            yield statement.strip()


def controls_transaction(sql: str) -> str | None:
    """Return the statement in this string that would begin or end a transaction, if there is one."""
    split = _pieces(sql, keep_ends=False)
    return next((part.strip() for part in split.split("\0") if CONTROL.match(part.strip())), None)


def _pieces(sql: str, *, keep_ends: bool) -> str:
    def replacement(match: re.Match[str]) -> str:
        if match["data"]:
            return "?"
        if match["comment"]:
            return " "
        if match["end"]:
            return ";" if keep_ends else "\0"
        return match["name"]

    return _PIECE.sub(replacement, _ESCAPED.sub("", sql))
