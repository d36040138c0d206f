"""Secrets: in headers, URLs, connection strings, and as `name=value` in text."""

from __future__ import annotations

import re

from pytest_resilience.runtime.redaction.keys import (
    CREDENTIALS,
    DATA_IN_TEXT,
    IDENTIFIERS,
    PASSING_QUERY_KEYS,
    PERSONAL,
    in_text,
)
from pytest_resilience.runtime.redaction.rule import Rule, mark

_QUOTED = r"\"[^\"]*(?:\"|$)|'[^']*(?:'|$)"


def _query(match: re.Match[str]) -> str:
    shown = match[2].lower() in PASSING_QUERY_KEYS
    return match[0] if shown else f"{match[1]}{match[2]}={mark('query')}"


_IS = r"[\"']?\s{0,3}(?:[:=]|=>)\s{0,3}+(?!\[redacted)"
"""What stands between a name and its value; it never gives characters back, so that a mark stays a mark."""

_SECRET_NAME = rf"(?<![A-Za-z])(?:[A-Za-z0-9]{{1,24}}[_\-.]){{0,3}}(?:{in_text(CREDENTIALS)})s?"
_PERSONAL_NAME = rf"(?<![A-Za-z])(?:patient[_\-. ]?)?(?:{in_text((*PERSONAL, *IDENTIFIERS, 'name'))})"
_DATA_NAME = rf"\b(?:{in_text(DATA_IN_TEXT)})"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,40}://"

CREDENTIAL_RULES = (
    Rule(
        "private-key",
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}KEY-----|\Z)", re.DOTALL
        ),
        hint="-",
    ),
    Rule(
        "header",
        re.compile(
            r"\b((?:proxy-)?authorization|x-[\w-]{0,40}(?:key|token|auth)|api-?key|(?:set-)?cookie)"
            rf"({_IS}[\"']?+)(?!\[redacted)[^\r\n\"']+",
            re.IGNORECASE,
        ),
        r"\1\2[redacted:header]",
        hint=":=",
    ),
    Rule(
        "bearer",
        re.compile(r"\b(bearer|basic|digest|negotiate)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
        r"\1 [redacted:bearer]",
        hint=" ",
    ),
    Rule(
        "token",
        re.compile(
            r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bgh[pousr]_\w{16,}"
            r"|\bglpat-[\w-]{16,}|\bxox[abeprs]-[\w-]{8,}|\bsk-[\w-]{16,}|\bhooks\.slack\.com/services/[^\s\"']+"
        ),
    ),
    Rule(
        "url-credentials",
        re.compile(
            rf"({_SCHEME})(?:[^\s/?#\"'<>@\[]{{1,256}}"
            r"|[^\s:/@\"'\[]{0,128}:(?!\d+[/?])[^\s\"'<>\[]{1,256})@"
        ),
        r"\1[redacted:url-credentials]@",
        hint="@",
    ),
    Rule(
        "query", re.compile(r"([?&])([\w.\-\[\]%:]{1,64})=(?!\[redacted)[^&\s\"'<>)\]}#]*"), _query, hint="?&"
    ),
    Rule(
        "secret-value",
        re.compile(rf"({_SECRET_NAME}{_IS})(?:{_QUOTED}|[^\s,;&)\]}}]+)", re.IGNORECASE),
        r"\1[redacted:secret-value]",
        hint=":=",
    ),
    Rule(
        "personal-value",
        re.compile(
            rf"({_PERSONAL_NAME}{_IS})(?:{_QUOTED}|[\[({{][^\n]*|[^,;|&)\]}}\n]+)",
            re.IGNORECASE,
        ),
        r"\1[redacted:personal-value]",
        hint=":=",
    ),
    Rule(
        "data-value",
        re.compile(rf"({_DATA_NAME}{_IS})(?:{_QUOTED}|[^\n]+)", re.IGNORECASE),
        r"\1[redacted:data-value]",
        hint=":=",
    ),
)
"""Secrets by their form or by the name before them, and what follows the name of a sensitive field."""
