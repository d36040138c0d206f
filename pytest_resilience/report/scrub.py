"""Takes secrets and patient data out of a report: the one gate that every text passes before it is written.

Known secrets go wherever they stand, also encoded. What only looks like one goes by its form: credentials in URLs and
headers, values of keys that name a secret, literals in SQL, rows that PostgreSQL quotes in its errors.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from operator import is_
from typing import Any, TypeVar, cast
from urllib.parse import quote, quote_plus

from pytest_resilience.chaos.run.encoded import base64_forms
from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.report.model import Report

REDACTED = "[redacted]"
T = TypeVar("T")

_OURS = frozenset(
    {"item", "word", "kind", "outcome", "commit", "configuration", "started", "mode", "expires", "verdict"}
)
"""Fields whose values are ours, and words of the report's own form."""
_NO_TEXT = frozenset({int, float, bool, type(None)})
_ITEM_IDS = frozenset(item.id for item in ITEMS)
_NAMES = (
    r"(?:[\w-]*(?:password|passwd|pwd|secret|token|(?:api|access|routing)[_-]?key|signature)"
    r"|authorization|sig)"
)
_BUT_WAS = r"(?:; seen: |, but was |: | \()"
"""Between what a check expects and what it has seen: `sql.py` and `http.py` of `chaos/expectations` quote both."""
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)", re.DOTALL),
        REDACTED,
    ),
    (re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{0,40}://)[^\s/?#\"'<>@]{1,256}@"), rf"\1{REDACTED}@"),
    (re.compile(r"\b(bearer|basic|digest|negotiate)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"), REDACTED),
    (
        re.compile(
            r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bgh[pousr]_\w{16,}|\bglpat-[\w-]{16,}|\bxox[abeprs]-[\w-]{8,}"
        ),
        REDACTED,
    ),
    (re.compile(r"\bsk-[\w-]{16,}|(?<=hooks\.slack\.com/services/)[\w/-]+"), REDACTED),
    (
        re.compile(rf"(\b{_NAMES}[\"']?\s*=\s*[\"']?)(?!\[redacted)[^\s\"'&,;)}}\]]+", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(rf"([\"']{_NAMES}[\"']\s*:\s*[\"'])(?!\[redacted)[^\"']*", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"(Key \([^)]*\)=)\((?:[^()]|\([^()]*\))*\)"), rf"\1({REDACTED})"),
    (re.compile(r"(Failing row contains )\(.*?\)(?=[.\s]|\Z)", re.DOTALL), rf"\1({REDACTED})"),
    (re.compile(r"(COPY [\w.\"]+, line \d+(?:, column [\w\"]+)?: )\".*?\"", re.DOTALL), rf'\1"{REDACTED}"'),
    (re.compile(rf"( on \S+ is )'(?:[^']|'')*'(?={_BUT_WAS})"), r"\1?"),
    (re.compile(rf"( on \S+ is (?:\?|[\w.+-]+){_BUT_WAS})'(?:[^']|'')*(?:'|\Z)"), r"\1?"),
    (
        re.compile(
            rf"( is answered with(?:out)?\b.{{0,500}}?{_BUT_WAS}\d{{3}} with )"
            r"(?:'(?:[^'\\]|\\.)*(?:'|\Z)|\"[^\"]*(?:\"|\Z))"
        ),
        r"\1?",
    ),
    (re.compile(r"\b\d{3}-\d{2}-\d{4}\b"), REDACTED),
)
_SQL = re.compile(
    r"\b(?:insert\s+into\s|update\s+[\w.\"]+\s+set\s|delete\s+from\s|select\s.{0,400}?\sfrom\s|values\s*\().*",
    re.IGNORECASE | re.DOTALL,
)
_LITERAL = re.compile(r"(?<!\w)E?'(?:[^']|'')*(?:'|\Z)|(?<=[=<>(,])(\s*)-?\d+(?:\.\d+)?\b")


def scrubbed(report: Report, secrets: Iterable[str] = ()) -> Report:
    """Return the report without secrets.

    Args:
        report: as it was put together.
        secrets: known ones: canaries, passwords, routing keys.
    """
    return _walk(report, scrubber(secrets))


def scrubber(secrets: Iterable[str] = ()) -> Callable[[str], str]:
    """Return what takes secrets out of one text."""
    known = _known(secrets)

    @cache  # one message passes in many runs
    def scrub(text: str) -> str:
        clean = known.sub(REDACTED, text) if known else text
        for shape, instead in _SHAPES:
            clean = shape.sub(instead, clean)
        return _SQL.sub(_without_literals, clean)

    return scrub


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text without known secrets; JSON stays JSON."""
    known = _known(secrets)
    return known.sub(REDACTED, text) if known else text


def _known(secrets: Iterable[str]) -> re.Pattern[str] | None:
    forms = {form for secret in secrets if secret.strip() for form in _forms(secret)}
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    parts = [
        re.escape(form) if len(form) > 3 else rf"(?<!\w){re.escape(form)}(?!\w)" for form in longest_first
    ]
    return re.compile("|".join(parts)) if parts else None


def _forms(secret: str) -> set[str]:
    """Return a secret as it stands in texts, URLs, JSON and headers."""
    encoded = {base64.b64encode(secret.encode()).decode().rstrip("="), *base64_forms(secret)}
    escaped = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1], *escaped}
    return {*forms, *encoded} if len(secret) > 5 else forms


def _without_literals(match: re.Match[str]) -> str:
    return _LITERAL.sub(lambda literal: f"{literal[1] or ''}?", match[0])


def _walk(value: T, scrub: Callable[[str], str]) -> T:
    return _changed(value, scrub)  # type: ignore[no-any-return]


def _changed(value: Any, scrub: Callable[[str], str]) -> Any:
    """Return the value with clean texts; what was clean already is the same object."""
    if isinstance(value, str):
        clean = value if value in _ITEM_IDS else scrub(value)
        return value if clean == value else clean  # an equal text may be another object
    if isinstance(value, tuple):
        parts = tuple(_changed(each, scrub) for each in value)
        return value if all(map(is_, parts, value)) else parts
    if isinstance(value, Mapping):
        clean_values = {key: _changed(each, scrub) for key, each in value.items()}
        return value if all(map(is_, clean_values.values(), value.values())) else clean_values
    if is_dataclass(value) and not isinstance(value, type):
        return _changed_fields(value, scrub)
    return value


def _changed_fields(value: Any, scrub: Callable[[str], str]) -> Any:
    changes = {}
    for name in _fields(cast("Hashable", type(value))):
        before = getattr(value, name)
        if type(before) in _NO_TEXT:
            continue
        after = _changed(before, scrub)
        if after is not before:
            changes[name] = after
    return replace(value, **changes) if changes else value


@cache
def _fields(kind: Hashable) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cast("Any", kind)) if each.name not in _OURS)
