"""Serve: python -m triage --port 8000."""

import argparse
import logging
import sys

import structlog
import uvicorn

from triage.api import app


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.CRITICAL)
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
