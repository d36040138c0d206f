"""A rule: what a piece of text looks like that must not pass, and what is put in its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Replacement = str | Callable[[re.Match[str]], str]

DIGITS = "0"
"""In `when`: digits in groups, or many in a row."""

CAPITALS = "A"
"""In `when`: a capital letter."""


class TextRule(Protocol):
    """Anything that takes something out of text.

    Attributes:
        name: what it is called.
        when: tokens of which the text must hold one, else the rule is not tried: words in lower case, single
            punctuation marks, `DIGITS`, `CAPITALS`. Empty: it is always tried.
        certain: whether the form alone proves it. The others are judgements on free text, and are not made on
            fields whose names are listed as passing.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class
    @property
    def when(self) -> frozenset[str]: ...  # noqa: D102 - see the class
    @property
    def certain(self) -> bool: ...  # noqa: D102 - see the class

    def apply(self, text: str) -> str:
        """Return the text without what this rule forbids."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Replace each match of a pattern.

    Args:
        name: what stands in the text instead, as `[redacted:name]`, unless `replacement` says otherwise.
        pattern: what must not pass; it runs on foreign text, so it must be linear.
        replacement: as for `re.sub`.
        when: see `TextRule`.
        certain: see `TextRule`.
    """

    name: str
    pattern: re.Pattern[str]
    replacement: Replacement | None = None
    when: frozenset[str] = frozenset()
    certain: bool = True

    def apply(self, text: str) -> str:
        """Return the text without what this rule forbids."""
        return self.pattern.sub(mark(self.name) if self.replacement is None else self.replacement, text)


def mark(name: str) -> str:
    """Return what stands where something was taken out."""
    return f"[redacted:{name}]"


def words(text: str) -> frozenset[str]:
    """Return the tokens in a text, as `when` wants them."""
    return frozenset(text.split())
