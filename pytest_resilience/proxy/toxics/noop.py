"""Noop: pass everything through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_resilience.proxy.toxics.stage import Stage


@dataclass(frozen=True, slots=True)
class Noop:
    """Change nothing."""

    type: ClassVar[str] = "noop"
    stage: ClassVar[type[Stage]] = Stage

    def check(self) -> None:
        """Accept: there is nothing to check."""
