"""The `exit` expectation: the status of the last process."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import Expectations


def judge_exit(expect: Expectations, record: RunRecord, _context: Context) -> Iterator[Judgement]:
    """Judge the exit status; a process that had to be ended by us has none that counts."""
    if expect.exit is None:
        return
    code = record.exit_code
    blocked = bool(record.processes) and record.processes[-1].blocked
    wanted = code != 0 if expect.exit == "nonzero" else code == expect.exit
    yield Judgement(
        name="exit",
        phase="liveness",
        held=wanted and code is not None and not blocked,
        expected="another status than 0" if expect.exit == "nonzero" else f"status {expect.exit}",
        seen=exit_words(record),
    )


def exit_words(record: RunRecord) -> str:
    """Say how the workload ended."""
    if not record.processes:
        return "it was never started"
    last = record.processes[-1]
    starts = f" after {len(record.processes)} starts" if len(record.processes) > 1 else ""
    if last.blocked:
        return f"still running at its deadline{starts}"
    if last.exit_code is None:
        return f"no status{starts}"
    signal = f" (signal {last.exit_code - 128})" if 128 < last.exit_code <= 192 else ""
    return f"status {last.exit_code}{signal}{starts}"
