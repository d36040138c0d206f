"""Lines of a log are read as records; the last line of a program says why it failed."""

from __future__ import annotations

import pytest

from pytest_resilience.chaos.workload.log_lines import facts, last_said


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


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ('level=error event="labs aren\'t there" ids="[1, 2]" text="say \\"x\\"" empty= n=3', None),
        ("level=error ok event=lost", {"level": "error", "ok": True, "event": "lost"}),
        ("level=error event=can't n=1", {"level": "error", "event": "can't", "n": "1"}),
        (
            """event="labs aren't there" level='error' ids=[1, 2] d={'a': 1} at=time(1, 2) who=<A at 1>""",
            {
                "event": "labs aren't there",
                "level": "error",
                "ids": "[1, 2]",
                "d": "{'a': 1}",
                "at": "time(1, 2)",
                "who": "<A at 1>",
            },
        ),
        (r"event='a\nb' level='error'", {"event": "a\nb", "level": "error"}),
    ],
    ids=["logfmt", "flag", "apostrophe", "structlog", "escape"],
)
def test_pairs_are_a_record(line: str, record: dict[str, object] | None) -> None:
    """Logfmt, and what structlog's KeyValueRenderer makes: values as Python writes them."""
    logfmt = {
        "level": "error",
        "event": "labs aren't there",
        "ids": "[1, 2]",
        "text": 'say "x"',
        "empty": "",
        "n": "3",
    }
    assert facts(line) == (logfmt if record is None else record)


@pytest.mark.parametrize(
    "text",
    [
        "labs are lost",
        "labs=lost",
        "request failed status=500 url=/x",
        "status=500 url=/x of the labs",
        "status=500 failed for url=/x",
        'status=500 text="no end url=/x',
        "",
    ],
)
def test_a_sentence_is_no_record(text: str) -> None:
    """Pairs among words are words."""
    assert facts(text) is None
