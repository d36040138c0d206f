"""A prediction, and who made it: a version of a model, or the rule in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model, or the rule in its place, says of some rows.

    Args:
        output: one prediction a row.
        model_name: the model that was asked.
        model_version: the version that answered; None when the rule did.
        degraded: True when the rule answered.
        reason: why the rule answered.
    """

    output: Any
    model_name: str
    model_version: str | None
    degraded: bool = False
    reason: str | None = None
