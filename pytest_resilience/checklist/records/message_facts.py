"""The five things that a message of an error should tell, found in its words or in its record's fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_resilience.checklist.records.facts import facts_of

WHAT, WHERE, WHY, NEXT, WHO = "what failed", "where", "why", "what to do next", "an identifier"
FACTS = (WHAT, WHERE, WHY, NEXT, WHO)

_WHAT = re.compile(
    r"\b(?:could|can|did|does|do|was|is|were|are|has|have)(?:\s+not|n't|not)\b|\bcannot\b"
    r"|\bfail(?:ed|s|ure|ing)?\b|\bunable\b|\brefused\b|\blost\b|\bunavailable\b|\btimed?[ -]?out\b"
    r"|\bg[ai]ve(?:s)? up\b|\bgiving up\b|\babort(?:ed)?\b|\bexhausted\b|\brejected\b|\binterrupted\b|\bdown\b",
    re.IGNORECASE,
)
_WHERE = re.compile(
    r"https?://|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[\w-]+:\d{2,5}\b"
    r"|(?:^|[\s'\"(=])/?[\w.-]+/[\w./-]+|\b[a-z_]\w*\.[a-z_]\w+\b"
    r"|\b(?:GET|POST|PUT|PATCH|DELETE|COMMIT|INSERT|SELECT|COPY) |\bhost\b"
    r"|\b(?:table|database|service|server|endpoint|model|queue|bucket|file)\s+['\"]?[\w.-]+"
)
_WHY = re.compile(
    r"\berrno\b|\[Errno -?\d+\]|\b(?:SQLSTATE|pgcode|status|HTTP|code)\W{0,4}\w*\d{2,5}\b"
    r"|\b[1-5]\d\d (?-i:[A-Z][a-z]+)|\b[45]\d\d\b(?= |:|$)"
    r"|\b(?-i:08\d{3}|40001|40P01|5[37][0-9P]\d{2}|28[0P]\d{2}|42[0-9P]\d{2}|23\d{3}|25P02)\b"
    r"|\bconnection (?:was )?(?:refused|reset|aborted)|\breset by peer\b|\btimed? ?out\b"
    r"|\bclosed the connection\b|\b(?-i:E[A-Z]{4,})\b|\bbecause\b",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"\b(?:check|try|retry|retrying|run|restart|resume|wait|start|set|see|contact|call|make sure|verify|ask"
    r"|re-?run|use|increase|fix|reconnect|look|raise|install|provide|rotate|escalate|page|roll ?back|runbook)\b"
    r"|\bnext (?:step|attempt|try)\b|\bwill be\b|\bagain\b|\bin \d+(?:\.\d+)? ?(?:s|ms|seconds|minutes)\b"
    r"|\bfall(?:ing)? ?back\b",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8,64}\b|"
    r"\b(?:\w*id|batch|row|rows|line|attempt|step|version|run|request|trace|order|key|checkpoint)\b\W{0,3}[\w-]*\d[\w-]*",
    re.IGNORECASE,
)
_KEYS_THAT_SAY = {
    WHERE: frozenset({"resource"}),
    WHY: frozenset({"error type"}),
    WHO: frozenset({"correlation id"}),
}
_HINT_KEYS = re.compile(
    r"hint|action|advice|next|remedy|runbook|fix|resolution|recommendation|what_now", re.IGNORECASE
)


def facts_in(text: str, record: Mapping[str, Any] | None = None) -> frozenset[str]:
    """Return which of the five things a message tells, in its words or in its record's fields."""
    found = {
        fact
        for fact, pattern in (
            *((WHAT, _WHAT), (WHERE, _WHERE), (WHY, _WHY)),
            *((NEXT, _NEXT), (WHO, _IDENTIFIER)),
        )
        if pattern.search(text)
    }
    if record is not None:
        carried = facts_of(record)
        found |= {fact for fact, needed in _KEYS_THAT_SAY.items() if needed & carried}
        if {"operation", "event"} <= carried:
            found.add(WHAT)
        if any(_HINT_KEYS.search(str(key)) for key in _keys(record)):
            found.add(NEXT)
    return frozenset(found)


def _keys(record: Mapping[str, Any]) -> Iterator[str]:
    for key, value in record.items():
        yield str(key)
        if isinstance(value, Mapping):
            yield from _keys(value)
