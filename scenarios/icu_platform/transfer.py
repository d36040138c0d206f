"""Move a patient to another care unit: `python -m icu_platform.transfer STAY UNIT --id t-1`.

The two changes are made together, and once for an id, even when nobody hears that they were.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any

import psycopg2

from icu_platform.process import database_url, start_process
from pytest_resilience import (
    CommitMarker,
    ResilienceError,
    StructuredErrorLogger,
    TransactionOutcome,
    execute_with_rollback,
    translated_errors,
)

MOVE = "update raw.icustays set last_careunit = %s where stay_id = %s"
NOTE = "insert into analytics.transfers (stay_id, to_careunit) values (%s, %s)"


def transfer(
    dsn: str, stay_id: int, careunit: str, *, transfer_id: str, base_delay: float = 0.1
) -> TransactionOutcome[None]:
    """Note a transfer, all of it or nothing.

    Args:
        dsn: where the database is.
        stay_id: the patient's stay.
        careunit: where the patient goes.
        transfer_id: names the transfer; done again under the same name it changes nothing.
        base_delay: seconds before a collision with another transaction is run again; they double.

    Raises:
        ResilienceError: the database cannot be reached.
    """
    connect = partial(_connect, dsn)
    with closing(connect()) as connection:
        return execute_with_rollback(
            connection,
            [(MOVE, (careunit, stay_id)), (NOTE, (stay_id, careunit))],
            marker=CommitMarker(name=f"transfer-{transfer_id}", reconnect=connect),
            base_delay=base_delay,
            timeout=30,
        )


def _connect(dsn: str) -> Any:
    with translated_errors("Connecting to the database"):
        return psycopg2.connect(dsn, connect_timeout=10)


def main(arguments: Sequence[str] | None = None) -> int:
    """Note a transfer; return 0 when that is done, 1 when not or when nobody knows, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m icu_platform.transfer", description=__doc__)
    parser.add_argument("stay", type=int, help="the patient's stay")
    parser.add_argument("careunit", help="where the patient goes")
    parser.add_argument("--id", required=True, help="names the transfer")
    options = parser.parse_args(arguments)
    dsn = database_url(parser)
    start_process()
    try:
        with translated_errors("Noting the transfer"):
            transfer(dsn, options.stay, options.careunit, transfer_id=options.id).result()
    except ResilienceError as error:
        context = {"operation": "transfer", "resource": "raw.icustays", "component": "data_pipeline"}
        StructuredErrorLogger("icu_platform.errors").log_error(error, context, "HIGH")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
