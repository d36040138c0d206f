"""Events as records of the standard library's `logging`, on the logger `pytest_resilience`."""

from __future__ import annotations

import logging
from dataclasses import fields
from typing import Any

from pytest_resilience import events
from pytest_resilience.runtime.correlation import current_operation
from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR

LOGGER = logging.getLogger("pytest_resilience")

LINES: dict[type, tuple[int, str]] = {
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
        "%(operation)s: failed at attempt %(attempts)d, not tried again since %(reason)s: %(error)s",
    ),
    events.AttemptAbandoned: (
        logging.ERROR,
        "%(operation)s: goes on in %(worker)s after its %(limit).3g s, and could not be interrupted",
    ),
    events.CircuitOpened: (
        logging.ERROR,
        "breaker %(breaker)s: opened after %(failures)d failures, the last %(error)s; trial in %(retry_after).3g s",
    ),
    events.CircuitHalfOpened: (logging.WARNING, "breaker %(breaker)s: half-open, trial calls go through"),
    events.CircuitClosed: (logging.WARNING, "breaker %(breaker)s: closed, calls go through again"),
    events.CallRejected: (
        logging.DEBUG,
        "breaker %(breaker)s: refused a call; trial in %(retry_after).3g s",
    ),
    events.ServedDegraded: (
        logging.WARNING,
        "%(operation)s: answered by its fallback, marked as degraded, because of %(error)s",
    ),
    events.CheckpointDamageFound: (
        logging.ERROR,
        "%(operation)s: its checkpoint is damaged (%(why)s); going on from version %(version_used)d",
    ),
    events.DatabaseLost: (
        logging.WARNING,
        "%(operation)s: the database is lost, work is held: %(error)s",
    ),
    events.DatabaseRecovered: (
        logging.WARNING,
        "%(operation)s: the database answers again after %(elapsed).3g s, work goes on",
    ),
    events.OperationsPaused: (
        logging.ERROR,
        "%(operation)s: the database did not come back in %(tries)d tries; work is paused until it does",
    ),
}
"""Level and text of each event; a kind that is not here is logged with its name alone."""


def log_event(event: Any) -> None:
    """Write one event as one record; `event`, `error_type` and the event's own fields are attributes of it.

    What an exception says passes the redaction first, since it may quote rows, URLs or passwords; its traceback,
    which nothing could redact here, goes to the caller and not to the log.
    """
    level, text = LINES.get(type(event), (logging.INFO, type(event).__name__))
    if not LOGGER.isEnabledFor(level):
        return
    facts = {field.name: getattr(event, field.name) for field in fields(event)}
    error = facts.get("error")
    if error is not None:
        facts["error_type"] = type(error).__name__
        facts["error"] = _told(error)
    operation = current_operation()
    ids = {"correlation_id": operation.correlation_id} if operation else {}
    LOGGER.log(level, text, facts, extra={"event": type(event).__name__, **ids, **facts})


def _told(error: BaseException) -> str:
    """Return an exception's type and redacted message on one line."""
    try:
        message = " ".join(DEFAULT_REDACTOR.text(str(error)).split())
    except Exception as broken:  # noqa: BLE001 - an exception's own __str__ is foreign code
        message = f"its message could not be made: {type(broken).__name__}"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
