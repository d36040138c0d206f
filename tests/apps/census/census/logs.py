"""Logs as JSON, by the standard library's `dictConfig`."""

import json
import logging
import logging.config
import time
import uuid

BATCH_ID = uuid.uuid4().hex


class Json(logging.Formatter):
    """A record and its facts."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "ts": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
                "severity": record.levelname,
                "logger": record.name,
                "message": record.getMessage(),
                "service": "hospital",
                "batch_id": BATCH_ID,
                **getattr(record, "facts", {}),
            }
        )


def set_up() -> None:
    """Configure all loggers."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": Json}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"level": "INFO", "handlers": ["stderr"]},
        }
    )
