"""One SQL statement as the proxy needs it: its command, and the table that it fills."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from pytest_resilience.proxy.wire.sql.tag import LOOKED_AT, main_words, tag_of
from pytest_resilience.proxy.wire.sql.tokens import Kind, Token, tokens

_FILLS = frozenset({"INSERT", "MERGE", "COPY"})
_BEFORE_NAME = frozenset({"INTO", "ONLY"})


class Statement:
    """One SQL statement; what it is, is found out when it is asked for.

    Args:
        sql: its text, without the semicolon.
    """

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def __repr__(self) -> str:
        return f"Statement({self.tag!r})"

    @cached_property
    def glance(self) -> str:
        """Its beginning, which its shape is made from."""
        return self.sql[:1_000]

    @cached_property
    def tag(self) -> str:
        """The command tag, without counts; empty for an empty statement."""
        return tag_of(self.sql)

    @cached_property
    def table(self) -> str | None:
        """The table that an INSERT, MERGE or COPY names, as PostgreSQL folds its case."""
        words = iter(islice(main_words(self.sql), LOOKED_AT))
        verb = next(words, None)
        if verb is None or verb.upper not in _FILLS:
            return None
        return _qualified_name(next((word for word in words if word.upper not in _BEFORE_NAME), None), words)

    @cached_property
    def copies_in(self) -> bool:
        """Whether it is a COPY that fills a table."""
        if self.tag != "COPY" or self.table is None:
            return False
        return next((word.upper == "FROM" for word in self.words if word.upper in {"FROM", "TO"}), False)

    @cached_property
    def prepares(self) -> Prepared | None:
        """What it prepares, if it is a PREPARE."""
        if self.tag != "PREPARE":
            return None
        words = islice(self.words, 1, None)
        name = next(words, None)
        behind = next((word for word in words if word.upper == "AS"), None)
        if name is None or behind is None:
            return None
        return Prepared(_folded(name), Statement(self.sql[behind.start + len("AS") :]))

    @cached_property
    def executes(self) -> str | None:
        """The name of what it executes, if it is an EXECUTE."""
        name = next(islice(self.words, 1, None), None) if self.tag == "EXECUTE" else None
        return None if name is None else _folded(name)

    @property
    def words(self) -> Iterator[Token]:
        """Its tokens, from the first word on."""
        return tokens(self.sql)


class Prepared(NamedTuple):
    """A statement that was prepared in SQL, and its name."""

    name: str
    statement: Statement


def _qualified_name(first: Token | None, words: Iterator[Token]) -> str | None:
    parts: list[str] = []
    while first is not None and first.kind in {Kind.WORD, Kind.NAME}:
        parts.append(_folded(first))
        if (dot := next(words, None)) is None or dot.text != ".":
            break
        first = next(words, None)
    return ".".join(parts) or None


def _folded(name: Token) -> str:
    if name.kind is Kind.NAME:
        return name.text.partition('"')[2].removesuffix('"').replace('""', '"')
    return name.text.lower()
