"""Move a patient to another care unit: two changes that belong together, made once even when nobody hears of it."""

from __future__ import annotations

from contextlib import closing
from functools import partial

import psycopg2

from pytest_resilience import CommitMarker, TransactionOutcome, execute_with_rollback, translated_errors

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
    connect = partial(psycopg2.connect, dsn, connect_timeout=10)
    with translated_errors("Connecting to the database"):
        connection = connect()
    with closing(connection), translated_errors("Noting the transfer"):
        return execute_with_rollback(
            connection,
            [(MOVE, (careunit, stay_id)), (NOTE, (stay_id, careunit))],
            marker=CommitMarker(name=f"transfer-{transfer_id}", reconnect=connect),
            base_delay=base_delay,
            timeout=30,
        )
