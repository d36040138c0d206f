"""Take an ingested file back: `DATABASE_URL=postgresql://… python -m icu_platform.rollback FILE`.

The rows of the file go, and what the ingestion has written down about it, in one transaction: afterwards the file is
as if it had never been ingested. To do it twice changes nothing.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg2

from icu_platform.process import database_url, start_process
from pytest_resilience import (
    FatalError,
    ResilienceError,
    StructuredErrorLogger,
    execute_with_rollback,
    retry_with_exponential_backoff,
)
from pytest_resilience.runtime.classify import translated_errors

STAYS = "delete from raw.icustays where stay_id = any(%s)"
BOOKS = ("resilience_ingestions", "resilience_checkpoints", "resilience_commits")
"""Where the ingestion keeps its position."""


def roll_back(dsn: str, file: Path, *, base_delay: float = 1.0) -> None:
    """Remove the stays of a file, and what is known of its ingestion.

    Args:
        dsn: where the database is.
        file: the CSV that was ingested.
        base_delay: seconds before the first retry; they double.

    Raises:
        ResilienceError: it could not be done; the tables are as they were.
    """
    keys = _stay_ids(file)
    retry_with_exponential_backoff(
        lambda: _remove(dsn, keys), base_delay=base_delay, operation="taking an ingestion back"
    )


def _stay_ids(file: Path) -> list[int]:
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            return [int(row["stay_id"]) for row in csv.DictReader(stream)]
    except (OSError, KeyError, ValueError) as error:
        raise FatalError(f"Cannot read the stays of {file}: it must be a CSV file with stay_id.") from error


def _remove(dsn: str, keys: Sequence[int]) -> None:
    with translated_errors("Connecting to the database"):
        connection = psycopg2.connect(dsn, connect_timeout=10)
    with closing(connection), translated_errors("Taking the ingestion back"):
        with connection, connection.cursor() as cursor:
            cursor.execute("select t from unnest(%s) as t where to_regclass(t) is not null", (list(BOOKS),))
            books = [table for (table,) in cursor.fetchall()]
        emptied = [f"delete from {table}" for table in books]  # noqa: S608 - names of BOOKS
        execute_with_rollback(connection, [(STAYS, (list(keys),)), *emptied]).result()


def main(arguments: Sequence[str] | None = None) -> int:
    """Take a file back; return 0 when that is done, 1 when not, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m icu_platform.rollback", description=__doc__)
    parser.add_argument("file", type=Path, help="the CSV file that was ingested")
    options = parser.parse_args(arguments)
    dsn = database_url(parser)
    start_process()
    try:
        roll_back(dsn, options.file)
    except ResilienceError as error:
        context = {
            "operation": "rollback",
            "resource": "raw.icustays",
            "source_file": options.file.name,
            "component": "data_pipeline",
        }
        StructuredErrorLogger("icu_platform.errors").log_error(error, context, "HIGH")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
