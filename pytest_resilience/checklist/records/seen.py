"""What attempts are read from: a run that is over, or one that is still under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pytest_resilience.chaos.run.record import FaultRecord, Message


class Seen(Protocol):
    """A run, or what of it has been seen so far."""

    @property
    def messages(self) -> Sequence[Message]:
        """What the proxies saw, in order."""

    @property
    def faults(self) -> Sequence[FaultRecord]:
        """What was broken."""
