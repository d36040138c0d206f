"""Prepare the model's input from the stays that were ingested: `python -m icu_platform.prepare`, `--undo` empties it.

The table is replaced in one transaction: whoever looks sees the old rows or the new ones, never a mixture.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing

import psycopg2

from icu_platform.process import database_url, start_process
from pytest_resilience import (
    ResilienceError,
    StructuredErrorLogger,
    execute_with_rollback,
    retry_with_exponential_backoff,
)
from pytest_resilience.runtime.classify import translated_errors

EMPTY = "delete from analytics.ml_input_master"
FILL = """
insert into analytics.ml_input_master
       (stay_id, first_careunit, changed_careunit, arrived_at_night, los, prolonged)
select stay_id,
       first_careunit,
       first_careunit <> last_careunit,
       extract(hour from intime at time zone 'UTC') not between 7 and 18,
       los,
       los > 7
  from raw.icustays
"""


def prepare(dsn: str, *, undo: bool = False, base_delay: float = 1.0) -> None:
    """Replace the model's input by what the stays say now, or by nothing.

    Args:
        dsn: where the database is.
        undo: leave the table empty.
        base_delay: seconds before the first retry; they double.

    Raises:
        ResilienceError: it could not be done; the table is as it was.
    """
    operations = [EMPTY] if undo else [EMPTY, FILL]
    # To replace the rows twice gives the same rows, so a lost reply to COMMIT may be answered by doing it again.
    retry_with_exponential_backoff(
        lambda: _replace(dsn, operations), base_delay=base_delay, operation="preparing the model's input"
    )


def _replace(dsn: str, operations: Sequence[str]) -> None:
    with translated_errors("Connecting to the database"):
        connection = psycopg2.connect(dsn, connect_timeout=10)
    with closing(connection), translated_errors("Preparing the model's input"):
        execute_with_rollback(connection, operations).result()


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare, or undo it; return 0 when that is done, 1 when not, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m icu_platform.prepare", description=__doc__)
    parser.add_argument("--undo", action="store_true", help="empty the table")
    options = parser.parse_args(arguments)
    dsn = database_url(parser)
    start_process()
    try:
        prepare(dsn, undo=options.undo)
    except ResilienceError as error:
        context = {
            "operation": "prepare",
            "resource": "analytics.ml_input_master",
            "component": "data_pipeline",
        }
        StructuredErrorLogger("icu_platform.errors").log_error(error, context, "HIGH")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
