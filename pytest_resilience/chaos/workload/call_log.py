"""What the function driver wrote down, as records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.run.record import CallRecord


def read_calls(path: Path, *, zero: float) -> list[CallRecord]:
    """Return the calls in a driver's file; one that never came back has no end.

    Args:
        path: the file, which may not be there.
        zero: the moment of CLOCK_MONOTONIC from which records count.
    """
    calls: dict[int, dict[str, Any]] = {}
    for fact in _facts(path):
        calls.setdefault(fact["number"], {}).update(fact)
    return [_record(call, zero) for call in calls.values()]


def _facts(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    whole = path.read_text(encoding="utf-8").split("\n")[:-1]  # the last line may be half written
    return [json.loads(line) for line in whole]


def _record(call: dict[str, Any], zero: float) -> CallRecord:
    return CallRecord(
        number=call["number"],
        began=call["began"] - zero,
        ended=call["ended"] - zero if "ended" in call else None,
        outcome=call.get("outcome", "blocked"),
        error=tuple(call.get("error", ())),
        message=call.get("message", ""),
        facts=call.get("facts", {}),
    )
