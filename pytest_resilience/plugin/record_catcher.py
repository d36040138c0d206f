"""Log records as mappings, whether their message is a line of JSON or the record itself has the facts."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class RecordCatcher(logging.Handler):
    """Keep each record as a mapping, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Mapping[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(as_mapping(record))


def as_mapping(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return the object that a record's message is, where it is JSON; else the record's own facts."""
    message = record.getMessage()
    try:
        parsed = json.loads(message)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else _facts(record, message)


def _facts(record: logging.LogRecord, message: str) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        "level": record.levelname,
        "logger": record.name,
        "event": message,
    }
    if record.exc_info and record.exc_info[0] is not None:
        facts["error_type"] = record.exc_info[0].__name__
    return facts | {name: value for name, value in vars(record).items() if name not in _STANDARD}
