"""The `exit` expectation: the status of the last process; and a server serves until it is ended, asked or not."""

from __future__ import annotations

from collections.abc import Iterator
from signal import SIGTERM
from typing import Literal

from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.run.record import ProcessRecord, RunRecord
from pytest_resilience.chaos.scenario.model import Expectations

TOLD = 128 + SIGTERM
"""The status of a server that leaves its end to the signal by which we tell it to."""


def judge_exit(expect: Expectations, record: RunRecord, context: Context) -> Iterator[Judgement]:
    """Judge the exit status; a process that had to be ended by us has none that counts.

    A server that ends by itself has failed, unless that is what is expected; one that we end may say so: 128 + SIGTERM.
    """
    last = record.processes[-1] if record.processes else None
    by_itself = context.workload.shape == "server" and last is not None and last.ended_by_itself
    if expect.exit in {None, 0} and by_itself:
        yield Judgement(
            name="exit",
            phase="liveness",
            held=False,
            expected="a server that serves until it is told to end",
            seen=f"it ended by itself: {exit_words(record)}",
        )
    elif expect.exit is not None:
        yield Judgement(
            name="exit",
            phase="liveness",
            held=last is not None and not last.blocked and _is_wanted(expect.exit, last),
            expected="another status than 0" if expect.exit == "nonzero" else f"status {expect.exit}",
            seen=f"{exit_words(record)}{', when it was told to end' if last and _as_told(last) else ''}",
        )


def _is_wanted(wanted: int | Literal["nonzero"], last: ProcessRecord) -> bool:
    if last.exit_code is None:
        return False
    ended_well = last.exit_code == 0 or _as_told(last)
    if wanted == "nonzero":
        return not ended_well
    return last.exit_code == wanted or (wanted == 0 and ended_well)


def _as_told(process: ProcessRecord) -> bool:
    return process.told_to_end and process.exit_code == TOLD


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
