"""Read SQL just far enough to hide the data in it, and to see which statements it holds."""

from __future__ import annotations

import re

LONGEST = 300
"""Characters of a statement that a log line shows."""

_PIECE = re.compile(
    r"""
    (?P<data>
        [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)                   # a string in which a backslash escapes
      | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|\Z)          # any other string
      | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?:(?P=tag)|\Z)  # a dollar-quoted one
      | (?<![\w$"])\d[\w.]*                               # a number
    )
    | (?P<name>"(?:[^"]|"")*(?:"|\Z))
    | (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_CONTROL = re.compile(
    r"(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction"
    r"|rollback(?!\s+(?:(?:work|transaction)\s+)?to\b))\b",
    re.IGNORECASE,
)
_SQL_FUNCTION_BODY = re.compile(r"\bbegin\s+atomic\b", re.IGNORECASE)


def without_data(sql: str) -> str:
    """Return the statement on one line, with `?` in place of each literal, cut to a length fit for a log."""
    hidden = " ".join(_shown(sql, end=";").split())
    return hidden if len(hidden) <= LONGEST else f"{hidden[:LONGEST]}…"


def controls_transaction(sql: str) -> str | None:
    """Return the first statement of this string that would begin or end a transaction, if there is one."""
    shown = _shown(sql, end="\0")
    if _SQL_FUNCTION_BODY.search(shown):
        return None
    return next((part.strip() for part in shown.split("\0") if _CONTROL.match(part.strip())), None)


def _shown(sql: str, *, end: str) -> str:
    def replacement(match: re.Match[str]) -> str:
        if match["data"]:
            return "?"
        if match["comment"]:
            return " "
        return end if match["end"] else match["name"]

    return _PIECE.sub(replacement, sql)
