"""How every process of the platform begins: its database, JSON log lines, and an MLflow that keeps to itself."""

from __future__ import annotations

import argparse
import os

from icu_platform.json_log import log_as_json

_MLFLOW = {
    "MLFLOW_CONFIGURE_LOGGING": "false",  # else its own lines stand between ours
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def start_process() -> None:
    """Set up logging and MLflow; call it before MLflow is imported."""
    for name, value in _MLFLOW.items():
        os.environ.setdefault(name, value)
    log_as_json()


def database_url(parser: argparse.ArgumentParser) -> str:
    """Return where the database is; without it the call is a wrong one, and the parser ends the process."""
    dsn = os.environ.get("DATABASE_URL")
    if not dsn:
        parser.error("DATABASE_URL is not set; set it to the database: postgresql://user@host:5432/name")
    return dsn
