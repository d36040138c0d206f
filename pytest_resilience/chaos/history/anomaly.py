"""What a sound store does not do, found in a history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pytest_resilience.chaos.history.operation import Operation

AnomalyKind: TypeAlias = Literal["lost", "doubled", "phantom", "torn", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One anomaly.

    Args:
        kind: which of the five.
        why: what was seen, by the numbers of the operations in the history, from 0; no key and no value.
        operations: those that show it.
    """

    kind: AnomalyKind
    why: str
    operations: tuple[Operation, ...]

    def __str__(self) -> str:
        return f"{self.kind}: {self.why}"
