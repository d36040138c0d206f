"""The statements of one text."""

from __future__ import annotations

from itertools import islice

from pytest_resilience.proxy.wire.sql.statement import Statement
from pytest_resilience.proxy.wire.sql.tokens import Kind, Token, tokens


def split(sql: str) -> list[Statement]:
    """Return the statements of a simple query's text; comments alone are none."""
    if ";" not in sql.rstrip(" \t\r\n;"):
        return _non_empty([sql])
    return _non_empty(_pieces(sql))


def _non_empty(pieces: list[str]) -> list[Statement]:
    return [
        Statement(piece) for piece in pieces if any(token.text != ";" for token in islice(tokens(piece), 20))
    ]


def _pieces(sql: str) -> list[str]:
    cuts: list[int] = []
    nesting = _Nesting()
    for token in tokens(sql):
        if nesting.ends_before(token):
            cuts.append(token.start)
            nesting = _Nesting()
    starts = [0, *(cut + 1 for cut in cuts)]
    return [sql[start:end] for start, end in zip(starts, [*cuts, len(sql)], strict=True)]


class _Nesting:
    """Knows which semicolon ends a statement: none in parentheses, or in the body of a routine in SQL."""

    def __init__(self) -> None:
        self._parentheses = 0
        self._blocks = 0
        self._words = 0
        self._creates = False
        self._routine = False

    def ends_before(self, token: Token) -> bool:
        """Take the next token; return whether the statement ends before it."""
        if token.kind is Kind.WORD:
            self._word(token.upper)
        elif token.text == "(":
            self._parentheses += 1
        elif token.text == ")":
            self._parentheses = max(0, self._parentheses - 1)
        elif token.text == ";":
            return not self._parentheses and not self._blocks
        return False

    def _word(self, word: str) -> None:
        self._words += 1
        if self._words == 1:
            self._creates = word == "CREATE"
        elif self._creates and self._words <= 4 and word in {"FUNCTION", "PROCEDURE"}:
            self._routine = True
        elif self._routine and (word == "BEGIN" or (self._blocks and word == "CASE")):
            self._blocks += 1
        elif self._blocks and word == "END":
            self._blocks -= 1
