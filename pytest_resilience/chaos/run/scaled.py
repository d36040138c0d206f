"""Records of a workload, which are in real seconds, as the workload counts its time."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from pytest_resilience.chaos.run.record import CallRecord, LogLine, ProcessRecord

Timed = TypeVar("Timed", ProcessRecord, CallRecord)


def scaled(record: Timed, scale: float) -> Timed:
    """Return the record with its times in the workload's seconds."""
    ended = record.ended
    return replace(record, began=record.began * scale, ended=None if ended is None else ended * scale)


def scaled_line(line: LogLine, scale: float) -> LogLine:
    """Return the line with its time in the workload's seconds."""
    return replace(line, at=line.at * scale)
