"""Secrets that their form gives away: in headers, URLs, connection strings."""

from __future__ import annotations

import re

from pytest_resilience.runtime.redaction.keys import PASSING_QUERY_KEYS
from pytest_resilience.runtime.redaction.rule import CAPITALS, Rule, mark, words

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,40}://"

_USER = r"[^\s:/@\"'\[]{0,128}"

_KEYWORDS = "host|hostaddr|port|dbname|user|sslmode|connect_timeout|application_name|options"


def _query(match: re.Match[str]) -> str:
    shown = match[2].lower() in PASSING_QUERY_KEYS
    return match[0] if shown else f"{match[1]}{match[2]}={mark('query')}"


CREDENTIAL_RULES = (
    Rule(
        "private-key",
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}KEY-----|\Z)", re.DOTALL
        ),
        when=words("private"),
    ),
    Rule(
        "bearer",
        re.compile(r"\b(bearer|basic|digest|negotiate)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
        r"\1 [redacted:bearer]",
        when=words("bearer basic digest negotiate"),
    ),
    Rule(
        "token",
        re.compile(
            r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bgh[pousr]_\w{16,}"
            r"|\bgithub_pat_\w{16,}|\bAIza[\w-]{30,}|\b[rs]k_(?:live|test)_\w{16,}|\bhf_[A-Za-z0-9]{20,}|\bdapi[0-9a-f]{32}\b"
            r"|\bglpat-[\w-]{16,}|\bxox[abeprs]-[\w-]{8,}|\bsk-[\w-]{16,}|\bhooks\.slack\.com/services/[^\s\"']+"
        ),
        when=words("xoxa xoxb xoxe xoxp xoxr xoxs hooks github rk sk hf dapi") | {CAPITALS},
    ),
    Rule(
        "url-credentials",
        re.compile(
            # The last @ of the word ends them: who puts one into a password does not always encode it, nor a blank.
            rf"({_SCHEME})(?:{_USER}:(?!\d+[/?])(?:[^\s\"'<>\[:]|:(?!//)|\[(?!redacted)){{1,256}}"
            rf"|[^\s/?#\"'<>\[]{{1,256}}|{_USER}:(?![\s/]|\d+\b)[^\n\"'<>@\[]{{1,128}})@"
        ),
        r"\1[redacted:url-credentials]@",
        when=frozenset("@"),
    ),
    Rule(
        "connection-string",
        # What libpq quotes of one that it could not take apart, in any language.
        re.compile(
            r"([\"»«„] ?)(?!\[redacted|[\w.+\-]{1,64}(?:://|@[\w.\-]{1,255}\.[A-Za-z]))[^\s\"»«„“]{1,256}"
            r"(?=@(?!\d+\.\d+(?!\.))[\w.\-]{1,255} ?[\"»«“])"
            r"|((?<!\w)[\"»«„]\s?=\s?[\"»«“](?!\s?[:=,])[^\"»«„“\n]{1,20}[\"»«„] ?)(?!\[redacted)[^\"»«„“\n]+"
            rf"|(password ?= ?)(?!\[redacted)[^\s\"'=]{{1,128}}(?: [^\s\"'=]{{1,128}}){{1,4}}(?= (?:{_KEYWORDS}) ?=)"
        ),
        lambda match: f"{match[1] or match[2] or match[3]}{mark('connection-string')}",
        when=frozenset("@="),
    ),
    Rule(
        "query",
        re.compile(r"([?&])([\w.\-\[\]%:]{1,64})=(?!\[redacted)[^&\s\"'<>)\]}#]*"),
        _query,
        when=frozenset("?&"),
    ),
)
"""Secrets, each with a form of its own."""
