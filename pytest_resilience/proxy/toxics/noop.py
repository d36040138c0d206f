"""Noop: pass everything through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_resilience.proxy.toxics.attributes import Attributes


@dataclass(frozen=True, slots=True)
class Noop(Attributes):
    """Change nothing."""

    kind: ClassVar[str] = "noop"
    go_name: ClassVar[str] = "NoopToxic"
