"""SQL as tokens: just enough of PostgreSQL's lexical rules to know what is a literal, a comment or a word.

Source: PostgreSQL documentation, chapter 4.1. Every text has tokens, broken ones too: what is not closed goes to
the end of the text. `standard_conforming_strings` is taken as on, its default since 2010.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple


class Kind(Enum):
    """What a token is."""

    SPACE = auto()
    COMMENT = auto()
    LITERAL = auto()
    NAME = auto()
    WORD = auto()
    SYMBOL = auto()


class Token(NamedTuple):
    """A piece of an SQL text."""

    kind: Kind
    text: str
    start: int

    @property
    def upper(self) -> str:
        """The token as a key word, empty where it cannot be one."""
        return self.text.upper() if self.kind is Kind.WORD else ""


_LETTER = r"[A-Za-z_\u0080-\U0010ffff]"
_LETTER_OR_DIGIT = r"[A-Za-z0-9_$\u0080-\U0010ffff]"
_TOKEN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<line>--[^\r\n]*)
    | (?P<block>/\*)
    | (?P<dollar>\$(?:{_LETTER}[A-Za-z0-9_\u0080-\U0010ffff]*)?\$)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*(?:'|\\?\Z))
    | (?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|\Z))
    | (?P<name>(?:[uU]&)?"(?:[^"]|"")*(?:"|\Z))
    | (?P<number>(?:0[xXoObB][0-9A-Fa-f_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?))
    | (?P<parameter>\$\d+)
    | (?P<word>{_LETTER}{_LETTER_OR_DIGIT}*)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_KINDS = {
    "space": Kind.SPACE,
    "line": Kind.COMMENT,
    "escaped": Kind.LITERAL,
    "string": Kind.LITERAL,
    "name": Kind.NAME,
    "number": Kind.LITERAL,
    "parameter": Kind.SYMBOL,
    "word": Kind.WORD,
    "symbol": Kind.SYMBOL,
}


def all_tokens(sql: str) -> Iterator[Token]:
    """Yield every token; together they are the whole text."""
    position = 0
    while match := _TOKEN.match(sql, position):
        group = match.lastgroup or ""
        if group == "block":
            kind, end = Kind.COMMENT, _block_end(sql, match.end())
        elif group == "dollar":
            kind, end = Kind.LITERAL, _dollar_end(sql, match.end(), match.group())
        else:
            kind, end = _KINDS[group], match.end()
        yield Token(kind, sql[position:end], position)
        position = end


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens that the server's parser sees: neither space nor comments."""
    return (
        token for token in all_tokens(sql) if token.kind is not Kind.SPACE and token.kind is not Kind.COMMENT
    )


def _block_end(sql: str, position: int) -> int:
    """Find the end of a comment, in which others may be nested."""
    depth = 1
    while match := _BLOCK_EDGE.search(sql, position):
        depth += 1 if match.group() == "/*" else -1
        position = match.end()
        if not depth:
            return position
    return len(sql)


def _dollar_end(sql: str, position: int, tag: str) -> int:
    found = sql.find(tag, position)
    return len(sql) if found < 0 else found + len(tag)
