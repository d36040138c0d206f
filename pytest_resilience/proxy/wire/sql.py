"""SQL as the proxy needs it: which statements a text holds, what command each one is, and which table it fills.

Command tags are PostgreSQL's own (documentation, 54.7, CommandComplete), but for two synonyms that mean the same
to everybody: `END` is `COMMIT`, `START TRANSACTION` is `BEGIN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from pytest_resilience.proxy.wire.sql_tokens import Kind, Token, tokens

_SYNONYMS = {
    "END": "COMMIT",
    "ABORT": "ROLLBACK",
    "START": "BEGIN",
    "VALUES": "SELECT",
    "TABLE": "SELECT",
    "(": "SELECT",
    "TRUNCATE": "TRUNCATE TABLE",
    "LOCK": "LOCK TABLE",
    "DECLARE": "DECLARE CURSOR",
    "CLOSE": "CLOSE CURSOR",
    "REFRESH": "REFRESH MATERIALIZED VIEW",
}
_MAIN_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"})
_PREPARED = frozenset({"COMMIT", "ROLLBACK"})
_DEFINITIONS = frozenset({"CREATE", "ALTER", "DROP"})
_MODIFIERS = frozenset(
    {"OR", "REPLACE", "GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED", "UNIQUE", "RECURSIVE", "TRUSTED"}
)
_TWO_WORDS = frozenset(
    {
        "MATERIALIZED",
        "FOREIGN",
        "EVENT",
        "ACCESS",
        "DEFAULT",
        "USER",
        "LARGE",
        "OPERATOR",
        "TEXT",
        "CONSTRAINT",
    }
)
_SECOND_WORDS = frozenset(
    {"VIEW", "TABLE", "TRIGGER", "METHOD", "PRIVILEGES", "MAPPING", "OBJECT", "CLASS", "DATA"}
)
_TRANSACTION_ENDS = frozenset({"COMMIT", "ROLLBACK", "PREPARE TRANSACTION"})


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
    def tag(self) -> str:
        """The command tag, without counts; empty for an empty statement."""
        return _tag(self._main)

    @cached_property
    def table(self) -> str | None:
        """The table that an INSERT, MERGE or COPY names, as PostgreSQL folds its case."""
        words = iter(islice(self._main, 200))
        verb = next(words, None)
        if verb is None or verb.upper not in {"INSERT", "MERGE", "COPY"}:
            return None
        first = next(words, None)
        while first is not None and first.upper in {"INTO", "ONLY"}:
            first = next(words, None)
        return _qualified_name(first, words)

    @property
    def ends_transaction(self) -> bool:
        """Whether nothing stays open behind it."""
        return self.tag in _TRANSACTION_ENDS

    @cached_property
    def copies_in(self) -> bool:
        """Whether it is a COPY that fills a table."""
        if self.tag != "COPY" or self.table is None:
            return False
        return next((token.upper == "FROM" for token in self.words if token.upper in {"FROM", "TO"}), False)

    @property
    def words(self) -> Iterator[Token]:
        """Its tokens, from the first word on."""
        return tokens(self.sql)

    @property
    def _main(self) -> Iterator[Token]:
        """Its tokens from the verb on, behind the common table expressions of a WITH."""
        seen = tokens(self.sql)
        first = next(seen, None)
        if first is None:
            return
        if first.upper == "WITH":
            first = _after_with(seen) or first
        yield first
        yield from seen


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
        if nesting.sees(token):
            cuts.append(token.start)
            nesting = _Nesting()
    starts = [0, *(cut + 1 for cut in cuts)]
    return [sql[start:end] for start, end in zip(starts, [*cuts, len(sql)], strict=True)]


class _Nesting:
    """Knows which semicolon ends a statement: none within parentheses, or within the body of an SQL function."""

    def __init__(self) -> None:
        self._parentheses = 0
        self._blocks = 0
        self._words = 0
        self._routine = False
        self._create = False

    def sees(self, token: Token) -> bool:
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
            self._create = word == "CREATE"
        elif self._create and self._words <= 4 and word in {"FUNCTION", "PROCEDURE"}:
            self._routine = True
        elif self._routine and (word == "BEGIN" or (self._blocks and word == "CASE")):
            self._blocks += 1
        elif self._blocks and word == "END":
            self._blocks -= 1


def _after_with(seen: Iterator[Token]) -> Token | None:
    depth = 0
    for token in seen:
        depth += (token.text == "(") - (token.text == ")")
        if not depth and token.upper in _MAIN_VERBS:
            return token
    return None


def _tag(words: Iterator[Token]) -> str:
    first = next(words, None)
    while first is not None and first.text == ";":
        first = next(words, None)
    if first is None:
        return ""
    verb = first.upper or first.text
    if verb in _DEFINITIONS:
        return _definition(verb, words)
    second = next(words, None)
    following = "" if second is None else second.upper
    if (verb in _PREPARED and following == "PREPARED") or (verb == "PREPARE" and following == "TRANSACTION"):
        return f"{verb} {following}"
    if verb == "DISCARD":
        return f"{verb} {following}"
    return _SYNONYMS.get(verb, verb)


def _definition(verb: str, words: Iterator[Token]) -> str:
    named = (token.upper for token in islice(words, 8))
    what = next((word for word in named if word not in _MODIFIERS), "")
    second = next(named, "") if what in _TWO_WORDS else ""
    if what == "TABLE" and verb == "CREATE" and _is_filled(words):
        return "CREATE TABLE AS"
    return " ".join(part for part in (verb, what, second if second in _SECOND_WORDS else "") if part)


def _is_filled(words: Iterator[Token]) -> bool:
    """Tell `create table t as select` from a table with columns."""
    depth = 0
    for token in islice(words, 200):
        depth += (token.text == "(") - (token.text == ")")
        if not depth and token.upper == "AS":
            return True
    return False


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
        return name.text.strip('"').replace('""', '"')
    return name.text.lower()
