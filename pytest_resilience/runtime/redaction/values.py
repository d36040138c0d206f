"""Values of rows, as databases, drivers and Python quote them in their messages."""

from __future__ import annotations

import re

from pytest_resilience.runtime.redaction.rule import Rule, words
from pytest_resilience.runtime.redaction.vocabulary import SQL_WORDS

_STATEMENT = re.compile(
    r"(?=[sicudvw])\b(?:insert\s+into|select\s.{0,400}?\sfrom\s|update\s+\S+\s+set|delete\s+from|values\s*\("
    r"|where\s+[\w.\"]+\s*(?:[=<>]|in\b|like\b)"
    r"|(?:call\s+(?=[\w.\"]{1,130}\s?\()|select\s+)(?:[\w.\"]{1,130}\s?\(\s*)?(?:[EBXNU&]{0,2}\\?'|\$\w*\$))",
    re.IGNORECASE,
)
_LITERAL = re.compile(
    # Escaped as a whole by repr(); with escapes of its own; without; in dollars; a number.
    r"\\'(?:(?!\\').)*+(?:\\'|\Z)"
    r"|\bE'(?:[^'\\]|\\.|'')*+(?:'|\Z)"
    r"|(?:\b[BXN]|\bU&|(?<!\w))'(?:[^'\\]|\\(?!')|'')*+(?:'|\\'.*|\Z)"
    r"|\$(\w*)\$.*?(?:\$\1\$|\Z)|(?<=[=<>(,])(\s*)-?\d+(?:\.\d+)?(?=[\s,);]|\Z)",
    re.IGNORECASE | re.DOTALL,
)
"""One whose end cannot be told (a quote behind a backslash) reaches to the end of the text."""


_BEFORE_VALUES = (
    r"invalid (?:input|byte sequence|hexadecimal|integer value|port number|percent-encoded)[^:\n\"]{0,80}:? ?",
    r"(?:malformed [a-z]{1,20} literal|in ts(?:query|vector)|in URI query parameter|Duplicate entry):? ?",
    rf"at or near (?!\"(?i:[^\w\n]|{'|'.join(sorted(SQL_WORDS))})\")",
    r"COPY [\w.\"]{1,130}, line \d+(?:, column [\w\"]{1,64})?: ?",
    r"(?:out of range|to float|with base \d+|Invalid isoformat string|unconverted data remains|KeyError): ?",
    r"(?:value|time data|input_value)[ =]",
    r"(?:KeyError|ValueError)\(",
)
"""How PostgreSQL and Python begin, before they quote the value that they do not like."""


def _sql(match: re.Match[str]) -> str:
    return match[0][: match.start(1) - match.start()] + _LITERAL.sub(_literal, match[1])


def _literal(match: re.Match[str]) -> str:
    return f"{match[2] or ''}?"


VALUE_RULES = (
    Rule(
        "quoted-value",
        re.compile(
            rf"((?=[aimotuvwCDIKV])\b(?:{'|'.join(_BEFORE_VALUES)}))(?!\[redacted)(?:\"[^\n]*\"|'[^\n]*'|[\"'](?s:.*))"
        ),
        r"\1[redacted:quoted-value]",
        when=frozenset("\"'"),
    ),
    Rule(
        "sql-literal",
        re.compile(rf"(?={_STATEMENT.pattern})(.+)", re.IGNORECASE | re.DOTALL),
        _sql,
        when=words("insert select call update delete values where"),
    ),
)
"""What a message quotes from a row. A statement's own text stays, its literals do not."""
