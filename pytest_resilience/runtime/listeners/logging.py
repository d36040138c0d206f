"""Events as records of the standard library's `logging`, on the logger `pytest_resilience`."""

from __future__ import annotations

import logging
from dataclasses import fields
from typing import Any

from pytest_resilience import events

LOGGER = logging.getLogger("pytest_resilience")

_LINES: dict[type, tuple[int, str]] = {
    events.AttemptFailed: (
        logging.WARNING,
        "%(operation)s: attempt %(attempt)d failed with %(error)s; next attempt in %(delay).3g s",
    ),
    events.RetriesSucceeded: (
        logging.INFO,
        "%(operation)s: succeeded at attempt %(attempts)d, %(elapsed).3g s after its first failure",
    ),
    events.GaveUp: (
        logging.ERROR,
        "%(operation)s: gave up after attempt %(attempts)d with %(error)s: %(reason)s",
    ),
    events.AttemptAbandoned: (
        logging.ERROR,
        "%(operation)s: still running in %(worker)s after its %(limit).3g s, and could not be interrupted",
    ),
    events.CircuitOpened: (
        logging.ERROR,
        "breaker %(breaker)s: opened after %(failures)d failures, last %(error)s; trial in %(retry_after).3g s",
    ),
    events.CircuitHalfOpened: (
        logging.WARNING,
        "breaker %(breaker)s: half-open, trial calls pass",
    ),
    events.CircuitClosed: (logging.INFO, "breaker %(breaker)s: closed again"),
    events.CallRejected: (
        logging.DEBUG,
        "breaker %(breaker)s: refused a call; trial in %(retry_after).3g s",
    ),
    events.ServedDegraded: (
        logging.WARNING,
        "%(operation)s: served by its fallback, marked as degraded, because of %(error)s",
    ),
}
"""Level and text of each event."""


def log_event(event: Any) -> None:
    """Write one event as one record; its attributes `event`, `error_type` and the event's are the facts."""
    level, text = _LINES[type(event)]
    if not LOGGER.isEnabledFor(level):
        return
    facts = {field.name: getattr(event, field.name) for field in fields(event)}
    error = facts.get("error")
    if error is not None:
        facts["error_type"] = type(error).__name__
        facts["error"] = _told(error)
    LOGGER.log(level, text, facts, extra={"event": type(event).__name__, **facts}, stacklevel=2)


def _told(error: BaseException) -> str:
    """Return an exception's type and message on one line."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
