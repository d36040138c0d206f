"""Write a record as one line of JSON: when, how bad, from where, and the facts."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pytest_resilience.clock import Clock
from pytest_resilience.errors import Severity
from pytest_resilience.runtime import log_sink

LEVELS: Mapping[str, int] = {
    Severity.CRITICAL: logging.CRITICAL,
    Severity.HIGH: logging.ERROR,
    Severity.MEDIUM: logging.WARNING,
    Severity.LOW: logging.INFO,
    Severity.INFO: logging.INFO,
}
"""The standard library's level of each severity."""

_ENCODE = json.JSONEncoder(check_circular=False).encode


def write_record(
    logger: logging.Logger, severity: Severity, event: str, facts: Mapping[str, Any], *, clock: Clock
) -> None:
    """Write one line.

    Args:
        logger: made by `log_sink.sink`.
        severity: decides the level.
        event: what kind of record it is.
        facts: plain JSON, already redacted.
        clock: stamps it.
    """
    level = LEVELS[severity]
    record = {
        "timestamp": datetime.fromtimestamp(clock.time(), UTC).isoformat(),
        "severity": severity,
        "level": logging.getLevelName(level),
        "logger": logger.name,
        "event": event,
        **facts,
    }
    log_sink.write(logger, level, _ENCODE(record))
