"""Log lines as JSON on standard error, one object a line, for the platform's processes."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record carries; whatever else stands on one was given as `extra=`."""


class JsonFormatter(logging.Formatter):
    """Write a record, its extra fields and its error as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; one that is JSON already, as of `StructuredErrorLogger`, stays as it is."""
        text = record.getMessage()
        if text.startswith("{") and text.endswith("}"):
            return text
        entry: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "message": text,
            "logger": record.name,
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry.setdefault("error_type", type(record.exc_info[1]).__name__)
            entry["stack_trace"] = _frames(record.exc_info[1])
        return json.dumps(entry, default=str)


def _frames(error: BaseException | None) -> list[str]:
    """Return an error and its causes with their frames, but without their messages.

    PostgreSQL puts the values of a row into its messages, and a row is a patient's.
    """
    lines: list[str] = []
    while error is not None:
        lines.append(type(error).__name__)
        lines += [
            f"  {frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        error = error.__cause__ or error.__context__
    return lines


def log_as_json(level: int = logging.INFO) -> None:
    """Send every logger of this process to standard error as JSON; call it once, at the start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
