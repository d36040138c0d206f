"""Which command a statement is, told from its words.

Command tags are PostgreSQL's own (documentation, 54.7, CommandComplete), but for two synonyms that mean the same to
everybody: `END` is `COMMIT`, `START TRANSACTION` is `BEGIN`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from pytest_resilience.proxy.wire.sql.tokens import Kind, Token, tokens

LOOKED_AT = 200
"""Words in which the beginning of a statement has to show what it is."""

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
_WITH_SECOND_WORD = {"COMMIT": {"PREPARED"}, "ROLLBACK": {"PREPARED"}, "PREPARE": {"TRANSACTION"}}
_MAIN_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"})
_DEFINITIONS = frozenset({"CREATE", "ALTER", "DROP"})


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall("[A-Z]+", text))


_MODIFIERS = _words("OR REPLACE GLOBAL LOCAL TEMP TEMPORARY UNLOGGED UNIQUE RECURSIVE TRUSTED")
_FIRST_OF_TWO = _words("MATERIALIZED FOREIGN EVENT ACCESS DEFAULT USER LARGE OPERATOR TEXT CONSTRAINT")
_SECOND_OF_TWO = _words("VIEW TABLE TRIGGER METHOD PRIVILEGES MAPPING OBJECT CLASS DATA")


def main_words(sql: str) -> Iterator[Token]:
    """Yield a statement's words from its verb on, behind the common table expressions of a WITH."""
    seen = tokens(sql)
    first = next((token for token in seen if token.text != ";"), None)
    if first is None:
        return
    if first.upper == "WITH":
        first = _after_with(seen) or Token(Kind.WORD, "SELECT", first.start)  # a query in parentheses
    yield first
    yield from seen


def tag_of(sql: str) -> str:
    """Return the command tag of a statement, without counts; empty for an empty one."""
    words = main_words(sql)
    first = next(words, None)
    if first is None:
        return ""
    verb = first.upper or first.text
    if verb in _DEFINITIONS:
        return _definition(verb, words)
    second = next(words, None)
    following = "" if second is None else second.upper
    if verb == "DISCARD" or following in _WITH_SECOND_WORD.get(verb, ()):
        return f"{verb} {following}".strip()
    return _SYNONYMS.get(verb, verb)


def _after_with(seen: Iterator[Token]) -> Token | None:
    depth = 0
    for token in seen:
        depth += (token.text == "(") - (token.text == ")")
        if not depth and token.upper in _MAIN_VERBS:
            return token
    return None


def _definition(verb: str, words: Iterator[Token]) -> str:
    named = (token.upper for token in islice(words, 8))
    what = next((word for word in named if word not in _MODIFIERS), "")
    second = next(named, "") if what in _FIRST_OF_TWO else ""
    if what == "TABLE" and verb == "CREATE" and _is_filled(words):
        return "CREATE TABLE AS"
    return " ".join(part for part in (verb, what, second if second in _SECOND_OF_TWO else "") if part)


def _is_filled(words: Iterator[Token]) -> bool:
    """Tell `create table t as select` from a table with columns."""
    depth = 0
    for token in islice(words, LOOKED_AT):
        depth += (token.text == "(") - (token.text == ")")
        if not depth and token.upper == "AS":
            return True
    return False
