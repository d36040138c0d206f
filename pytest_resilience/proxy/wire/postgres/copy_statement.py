"""What a COPY statement says about its data's format.

Source: PostgreSQL documentation, COPY; both the list of options in parentheses and the older key words.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.proxy.wire.postgres.copy_binary import BinaryRows
from pytest_resilience.proxy.wire.postgres.copy_rows import CsvRows, RowCounter, TextRows
from pytest_resilience.proxy.wire.sql.statement import Statement
from pytest_resilience.proxy.wire.sql.tokens import Token

_OFF = frozenset({"FALSE", "OFF", "0", "'FALSE'", "'OFF'"})


def row_counter(statement: Statement, *, binary: bool | None) -> RowCounter:
    """Return a counter for the rows of a COPY FROM STDIN.

    Args:
        statement: the COPY.
        binary: what the server's CopyInResponse says, if it has come.
    """
    options = _options(statement)
    if binary or (binary is None and options.get("FORMAT") == "BINARY"):
        return BinaryRows()
    header = options.get("HEADER", "OFF") not in _OFF
    if options.get("FORMAT") != "CSV":
        return TextRows(header=header)
    quote = _character(options.get("QUOTE"), '"')
    return CsvRows(
        header=header, quote=quote, escape=_character(options.get("ESCAPE"), quote.decode("latin-1"))
    )


def _options(statement: Statement) -> dict[str, str]:
    found: dict[str, str] = {}
    words = _behind_source(statement.words)
    token = next(words, None)
    while token is not None:
        following = next(words, None)
        name = token.upper
        if name in {"CSV", "BINARY"}:
            found["FORMAT"] = name
        elif name == "FORMAT" and following is not None:
            found["FORMAT"] = following.text.strip("'\"").upper()
        elif name == "HEADER":
            found["HEADER"] = "ON" if following is None else following.text.upper()
        elif name in {"QUOTE", "ESCAPE"}:
            if following is not None and following.upper == "AS":
                following = next(words, None)
            found[name] = "" if following is None else following.text
        token = following
    return found


def _behind_source(words: Iterator[Token]) -> Iterator[Token]:
    for token in words:
        if token.upper == "STDIN":
            return words
    return words


def _character(literal: str | None, default: str) -> bytes:
    """Return the one character of a literal, plain or with escapes."""
    text = default if literal is None else literal
    if text[:2].upper() == "E'":
        text = text[2:-1].encode().decode("unicode_escape", errors="replace")
    elif len(text) >= 3:
        text = text[1:-1].replace("''", "'")
    return text[:1].encode("latin-1", errors="replace")
