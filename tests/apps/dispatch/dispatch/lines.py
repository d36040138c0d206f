"""Log lines in logfmt, with the id of this run."""

import logging
import sys
import uuid
from datetime import UTC, datetime

RUN = uuid.uuid4().hex


class Logfmt(logging.Formatter):
    """Write `key=value` pairs."""

    def format(self, record: logging.LogRecord) -> str:
        error = getattr(record, "about", None)
        pairs = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            "run_id": RUN,
            "attempt": getattr(record, "attempt", 1),
        }
        if error is not None:
            pairs["error_type"] = type(error.__cause__ or error).__name__
            pairs |= {"operation": error.action, "resource": error.service, "code": error.code or "none"}
        return " ".join(f"{key}={_quoted(str(value))}" for key, value in pairs.items())


def _quoted(value: str) -> str:
    text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"' if not text or any(sign in text for sign in ' ="') else text


def set_up() -> None:
    """Log to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Logfmt())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
