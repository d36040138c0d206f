"""JSON lines on stderr; a call's id is in a context variable."""

import contextvars
import json
import logging
import sys
import threading
from datetime import UTC, datetime

call_id: contextvars.ContextVar[str] = contextvars.ContextVar("call_id", default="none")


class JsonFormatter(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
                "level": record.levelname,
                "logger": record.name,
                "thread": threading.current_thread().name,
                "message": record.getMessage(),
                "request_id": call_id.get(),
                **getattr(record, "fields", {}),
            }
        )


handler = logging.StreamHandler(sys.stderr)
handler.setFormatter(JsonFormatter())
logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
logging.getLogger("urllib3").setLevel(logging.ERROR)
