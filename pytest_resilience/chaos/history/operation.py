"""One call to a store, as its client saw it."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["write", "read"]
Outcome: TypeAlias = Literal["ok", "fail", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call.

    Args:
        process: who made it.
        kind: `write` or `read`.
        key: what it is about.
        value: of a write what it wrote; of a read all that it found under the key, as a tuple, `()` for nothing.
        began, ended: seconds by one clock of all clients; the end of an unknown outcome does not matter.
        outcome: `ok`, `fail` (it certainly had no effect) or `unknown`.
        unit: what belongs to one transaction, or to one snapshot, has the same unit; none is alone.

    Raises:
        ValueError: a word is not known, it ends before it begins, or a read's value is no tuple.
    """

    process: Hashable
    kind: Kind
    key: Hashable
    value: Any
    began: float
    ended: float
    outcome: Outcome
    unit: Hashable = None

    def __post_init__(self) -> None:
        if self.kind not in {"write", "read"}:
            raise ValueError(f"kind is {self.kind!r}: it is write or read")
        if self.outcome not in {"ok", "fail", "unknown"}:
            raise ValueError(f"outcome is {self.outcome!r}: it is ok, fail or unknown")
        if self.outcome != "unknown" and not self.ended >= self.began:
            raise ValueError(f"ended is {self.ended!r}: that is before it began, at {self.began!r}")
        if self.kind == "read" and self.outcome == "ok" and not isinstance(self.value, tuple):
            raise ValueError("a read's value is a tuple of all that it found, () for nothing")

    @property
    def over(self) -> float:
        """When it had certainly taken effect, as far as its own answer tells."""
        return self.ended if self.outcome == "ok" else math.inf
