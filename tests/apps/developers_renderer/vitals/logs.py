"""Structured logs, by structlog."""

import logging
import sys
import uuid

import structlog


def set_up() -> str:
    """Write lines to stderr, with the id of this run, which is returned."""
    run = uuid.uuid4().hex
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(trace_id=run)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    return run
