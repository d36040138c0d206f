"""The ingestion agent answers with a result, whatever it is asked."""

from __future__ import annotations

import pytest

from pytest_resilience import DataIngestionAgent


@pytest.mark.parametrize("task", [None, [], "data.csv", 5])
def test_a_task_that_is_none_is_a_failed_result(task):
    """It never raises: the error in its result says what a task is."""
    result = DataIngestionAgent("postgresql://127.0.0.1:1/nowhere").execute(task)

    assert not result.is_success()
    assert str(result.error) == (
        f"The task is a {type(task).__name__}, not a mapping; it needs source_file and target_table."
    )
