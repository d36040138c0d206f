"""What an agent hands back: it never raises across `execute`, it says what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AgentResult:
    """The outcome of one `execute`.

    Args:
        agent: the class name of the agent.
        metadata: facts about the run: attempts, rows, versions; never patient data.
        error: what ended the run, or None when it succeeded.
    """

    agent: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    error: Exception | None = None

    def is_success(self) -> bool:
        """Return True exactly when the work was done in full."""
        return self.error is None
