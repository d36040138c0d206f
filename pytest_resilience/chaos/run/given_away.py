"""Where in what a run said something stands that must stand nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from pytest_resilience.chaos.run.encoded import forms
from pytest_resilience.chaos.run.record import RunRecord


def given_away(run: RunRecord, secrets: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield which secret stands where; the places are searched as they are, and with JSON's escapes undone.

    Args:
        run: what was seen.
        secrets: values by what they are; the values are yielded nowhere.
    """
    spelt = {name: forms(secret) for name, secret in secrets.items()}
    for place, text in _outputs(run):
        for name, spellings in spelt.items():
            if any(form in text for form in spellings):
                yield name, place


def _outputs(run: RunRecord) -> Iterator[tuple[str, str]]:
    for process in run.processes:
        yield "stderr", process.stderr
        yield "stdout", process.stdout
    for call in run.calls:
        yield f"the error of call {call.number}", call.message
    for line in run.logs:
        yield "the log", line.text
        if line.record is not None:
            yield "the log", json.dumps(dict(line.record), ensure_ascii=False, default=str)
    for alert in run.alerts:
        yield f"an alert to {alert.channel}", json.dumps(dict(alert.body), ensure_ascii=False, default=str)
