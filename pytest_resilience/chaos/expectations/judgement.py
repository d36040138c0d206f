"""One expectation, judged: whether it held, what was expected, what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Phase: TypeAlias = Literal["safety", "liveness"]
"""`safety`: nothing bad during the fault; `liveness`: good again after heal."""

LONGEST = 200
"""Characters of what was seen that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is said of one expectation.

    Args:
        name: the expectation's key, as in a scenario file.
        phase: which of the two it belongs to.
        held: whether it was met.
        expected, seen: in words.
    """

    name: str
    phase: Phase
    held: bool
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"{self.name}: expected {self.expected}; seen: {self.seen}"


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text in one line, cut where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
