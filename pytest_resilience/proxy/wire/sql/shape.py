"""The shape of a statement: its words without its data, fit to leave the engine."""

from __future__ import annotations

import re
from functools import lru_cache

from pytest_resilience.proxy.wire.sql.tokens import Kind, all_tokens

LONGEST = 300
"""Characters of a shape; what is longer is cut and ends in an ellipsis."""

_REPEATED_LITERALS = re.compile(r"\?(?:\s*,\s*\?)+")
_REPEATED_ROWS = re.compile(r"(\([^()]*\))(?:\s*,\s*\1)+")


@lru_cache(maxsize=1024)
def shape(sql: str) -> str:
    """Return the statement with every literal as `?`, lists of them folded, without comments."""
    parts = (_word(token.kind, token.text) for token in all_tokens(sql))
    text = re.sub(r"\s+", " ", "".join(parts)).strip()
    text = _REPEATED_ROWS.sub(r"\1, ...", _REPEATED_LITERALS.sub("?, ...", text))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _word(kind: Kind, text: str) -> str:
    if kind is Kind.LITERAL:
        return "?"
    if kind is Kind.COMMENT or kind is Kind.SPACE:
        return " "
    return text
