"""Find out, in one look at a text, which rules could have anything to do with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pytest_resilience.runtime.redaction.rule import CAPITALS, DIGITS, TextRule

_TOKENS = re.compile(r"[a-z]+|[^\sa-z\d]")
_GROUPED = re.compile(r"\d(?:\d{5}|[^\w\n]{1,3}\d)")


class TextIndex:
    """Apply rules to texts, each only where one of its tokens occurs.

    Args:
        rules: in the order in which they are applied.
    """

    def __init__(self, rules: Sequence[TextRule]) -> None:
        self._rules = tuple(rules)
        self._masks: dict[str, int] = {}
        self._always = 0
        for place, rule in enumerate(self._rules):
            for token in rule.when:
                self._masks[token] = self._masks.get(token, 0) | 1 << place
            self._always |= 0 if rule.when else 1 << place
        self._digits = self._masks.get(DIGITS, 0)
        self._capitals = self._masks.get(CAPITALS, 0)

    def apply(self, text: str) -> str:
        """Return the text after all rules that could matter."""
        low, mask, masks = text.lower(), self._always, self._masks
        for token in _TOKENS.findall(low):
            if token in masks:
                mask |= masks[token]
        if self._digits and _GROUPED.search(low):
            mask |= self._digits
        if low != text:
            mask |= self._capitals
        while mask:
            lowest = mask & -mask
            text = self._rules[lowest.bit_length() - 1].apply(text)
            mask ^= lowest
        return text


def tokens_of(names: Iterable[str]) -> frozenset[str]:
    """Return one token of each of these names, also as it is behind white space that repr() wrote."""
    tokens = {max(_TOKENS.findall(name.lower()), key=len) for name in names}
    return frozenset(tokens | {f"{escape}{token}" for token in tokens for escape in "nrt"})
