"""When the rows of a file are good enough to be in the table: the policy's data quality rule, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_resilience.runtime.ingestion.state import IngestionState
from pytest_resilience.runtime.rules import Rule


@dataclass(frozen=True, slots=True)
class QualityGate:
    """Judge the share of good rows: at the end, and before that as soon as it is beyond hope.

    Args:
        rule: what share is good enough.
        text_size: bytes of the whole file, or None where they cannot be told from its size.
        shortest_row: bytes that a good row has at least: its separators, its line end, and what has to be there.
    """

    rule: Rule
    text_size: int | None = None
    shortest_row: int = 1

    def judge(self, state: IngestionState, *, at_end: bool) -> None:
        """Let the rows read so far pass.

        Raises:
            BusinessLogicError: they are not good enough, or cannot become so.
        """
        if at_end or self._best_end(state) < self.rule.threshold:
            self.rule(
                state.quality, where=f"{state.source_file}, {state.rejected} of {state.last_row} rows wrong"
            )

    def _best_end(self, state: IngestionState) -> float:
        """Return the score that there would be if everything that follows were good."""
        if self.text_size is None:
            return 1.0
        rows_left = (max(0, self.text_size - state.offset) + 1) // self.shortest_row
        total = state.last_row + rows_left
        return 1 - state.rejected / total if total else 1.0
