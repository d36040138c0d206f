"""What the last line of a program says: for the reason why it failed."""

from __future__ import annotations

import pytest

from pytest_resilience.chaos.workload.log_lines import last_said


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("first\nKeyError: 'X'\n\n", "KeyError: 'X'"),
        (
            '{"timestamp": "2026-01-01T00:00:00Z", "level": "ERROR", "event": "no table"}',
            "no table",
        ),
        ('ts=2026-01-01 level=error msg="no answer" error=timeout', "no answer"),
        ('{"level": "ERROR", "message": ""}', '{"level": "ERROR", "message": ""}'),
        ("\n", ""),
        ("", ""),
    ],
)
def test_a_record_is_told_by_its_message(output: str, said: str) -> None:
    """Its time and its level fill the place where the reason should be."""
    assert last_said(output) == said
