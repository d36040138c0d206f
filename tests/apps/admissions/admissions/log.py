"""One JSON line for each event, with the id of this run in it."""

import json
import logging
import sys
import uuid
from datetime import UTC, datetime

RUN_ID = uuid.uuid4().hex


class JsonLines(logging.Formatter):
    """Write what a record says, and what stands in its `context`; never an exception's own text."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            "correlation_id": RUN_ID,
            **getattr(record, "context", {}),
        }
        return json.dumps(line)


def set_up() -> None:
    """Send everything, of libraries too, to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def about(error: BaseException, *, operation: str, attempt: int) -> dict[str, dict[str, object]]:
    """Return the `extra` of a record about an error: its kinds and codes, not its text."""
    cause = error.__cause__
    return {
        "context": {
            "error_type": type(error).__name__,
            "cause": type(cause).__name__ if cause else None,
            "code": getattr(error, "code", None),
            "operation": operation,
            "resource": getattr(error, "resource", "unknown"),
            "attempt": attempt,
        }
    }
