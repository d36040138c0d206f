"""A fault that was ordered, while the run goes on."""

from __future__ import annotations

from typing import Protocol

from pytest_resilience.chaos.run.record import FaultRecord


class Armed(Protocol):
    """One ordered fault in one run."""

    def begin(self) -> None:
        """Inject it, or begin to wait for its trigger."""

    def heal(self) -> None:
        """End it, and see that it has ended; safe to call twice.

        Raises:
            HarnessError: it could not be made, or not be healed.
        """

    @property
    def is_over(self) -> bool:
        """Whether it has fired as ordered and healed: nothing more will come of it."""

    def record(self) -> FaultRecord:
        """Return what is known of it."""
