"""The error that lists everything that is wrong in scenario files."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_resilience.chaos.position import Complaint, listed
from pytest_resilience.errors import HarnessError


class ScenarioFileError(HarnessError):
    """Refuse scenario files, all that is wrong in them at once.

    Args:
        complaints: what is wrong, in the order of files and lines.
    """

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(listed(self.complaints)))
