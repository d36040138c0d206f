"""What an alert says, whichever endpoint it reached: severity, component, and whether it is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_resilience.chaos.run.record import AlertRecord
from pytest_resilience.errors import Severity

PAGERDUTY: Mapping[str, tuple[Severity, ...]] = {
    "critical": (Severity.CRITICAL,),
    "error": (Severity.HIGH,),
    "warning": (Severity.MEDIUM,),
    "info": (Severity.LOW, Severity.INFO),
}
"""PagerDuty's four words, and what they stand for."""


def raises(alert: AlertRecord) -> bool:
    """Tell whether somebody is called by it: an acknowledgement or a resolution calls nobody."""
    return bool(alert.body.get("event_action", "trigger") == "trigger")


def has_severity(alert: AlertRecord, wanted: str) -> bool:
    """Tell whether it has that severity, in our words or in PagerDuty's."""
    word = wanted.strip().lower()
    payload = alert.body.get("payload")
    if alert.channel == "pagerduty" and isinstance(payload, Mapping):
        said = str(payload.get("severity", "")).lower()
        own = [str(value).lower() for value in _named(payload, "severity")]
        meanings = [severity.value.lower() for severity in PAGERDUTY.get(said, ())]
        return word in (said, *own) or word in meanings
    return _says(alert, {word, *(name.value.lower() for name in PAGERDUTY.get(word, ()))})


def has_component(alert: AlertRecord, wanted: str) -> bool:
    """Tell whether it is about that component: by its field, else by its text."""
    fields = [str(value).casefold() for value in _named(alert.body, "component")]
    if alert.channel == "pagerduty" and fields:
        return wanted.casefold() in fields
    return wanted.casefold() in fields or _says(alert, {wanted.casefold()})


def _says(alert: AlertRecord, words: set[str]) -> bool:
    """Look for words that stand for themselves in everything that people read."""
    text = "\n".join(str(value) for value in _leaves(alert.body)).casefold()
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) for word in words)


def _named(body: Any, name: str) -> Iterator[Any]:
    if isinstance(body, Mapping):
        for key, value in body.items():
            if str(key).casefold() == name and not isinstance(value, Mapping | list):
                yield value
            yield from _named(value, name)


def _leaves(body: Any) -> Iterator[Any]:
    if isinstance(body, Mapping):
        body = list(body.values())
    if isinstance(body, list | tuple):
        for each in body:
            yield from _leaves(each)
    else:
        yield body
