"""What is raised where a configuration cannot be used: everything that is wrong with it, at once."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_resilience.chaos.position import Complaint, listed
from pytest_resilience.errors import HarnessError


class ConfigurationError(HarnessError):
    """Say all that is wrong in a configuration, each with file, line and column.

    Args:
        complaints: at least one, in the order of the file.
    """

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__(self.complaints)

    def __str__(self) -> str:
        """Return one line that counts them, and one line each."""
        many = (
            f"{len(self.complaints)} things are wrong" if len(self.complaints) > 1 else "one thing is wrong"
        )
        return "\n".join((f"{many} in the configuration:", *listed(self.complaints)))
