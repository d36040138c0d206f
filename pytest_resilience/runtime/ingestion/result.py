"""What has become of an ingested file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pytest_resilience.runtime.ingestion.state import IngestionState


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestionResult:
    """What has become of a file.

    Args:
        rows: rows of it that are in the table now, whichever run brought them.
        rejected: rows of it that the table refused; they are in the reject table, with reasons.
        resumed_from: rows that were behind this run when it began; 0 for a run from the beginning.
        batches: how many batches this run committed.
    """

    rows: int
    rejected: int
    resumed_from: int
    batches: int

    @classmethod
    def of(cls, state: IngestionState, *, resumed_from: int, batches: int) -> Self:
        """Return the result that a final state means."""
        return cls(
            rows=state.last_row - state.rejected,
            rejected=state.rejected,
            resumed_from=resumed_from,
            batches=batches,
        )
