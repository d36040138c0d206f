"""A rule: what a piece of text looks like that must not pass, and what is put in its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Replacement = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """Replace each match of a pattern.

    Args:
        name: what stands in the text instead, as `[redacted:name]`, unless `replacement` says otherwise.
        pattern: what must not pass; it runs on every text that `hint` lets through, so it must be linear.
        replacement: as for `re.sub`.
        hint: characters of which the text must hold at least one, else the pattern is not tried; empty: always.
        certain: whether the form alone proves it. The others are judgements on free text, and are not made on
            fields whose names are listed as passing.
    """

    name: str
    pattern: re.Pattern[str]
    replacement: Replacement | None = None
    hint: str = ""
    certain: bool = True

    def apply(self, text: str) -> str:
        """Return the text without what this rule forbids."""
        return self.pattern.sub(mark(self.name) if self.replacement is None else self.replacement, text)


def mark(name: str) -> str:
    """Return what stands where something was taken out."""
    return f"[redacted:{name}]"
