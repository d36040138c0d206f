"""Load a file of stays: ten rows a transaction, the position in the same one.

python -m admissions.ingest data/stays.csv
"""

import csv
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from admissions import alerts, log
from admissions.errors import AdmissionsError
from admissions.store import Warehouse
from admissions.wards import fetch_wards

BATCH = 10
Row = tuple[int, str, str, float]
logger = logging.getLogger("admissions.ingest")


def main(file: str) -> int:
    """Load the file, or what is left of it; return the exit status."""
    log.set_up()
    alerts.deliver()
    warehouse = Warehouse()
    try:
        rows = read(file, fetch_wards())
        position = warehouse.unit(lambda cur: where(cur, file), operation="read the position")
        while position < len(rows):
            batch = rows[position : position + BATCH]
            warehouse.unit(lambda cur, batch=batch: write(cur, file, batch), operation="load stays")
            warehouse.unit(
                lambda cur, at=position, size=len(batch): note(cur, file, at, size),
                operation="note the batch",
            )
            position += len(batch)
    except AdmissionsError as error:
        extra = log.about(error, operation="load stays", attempt=1)
        logger.error("%s; %s, then run the job again (run %s)", error, error.hint, log.RUN_ID, extra=extra)
        alerts.raise_alert(error)
        return 1
    finally:
        warehouse.close()
    logger.info("all stays are loaded", extra={"context": {"operation": "load stays", "rows": len(rows)}})
    return 0


def read(file: str, wards: Mapping[str, str]) -> list[Row]:
    """Return the file's rows, with the names of the wards."""
    with Path(file).open(newline="", encoding="utf-8") as stream:
        return [
            (int(row["stay_id"]), row["patient_ssn"], wards[row["ward_code"]], float(row["hours"]))
            for row in csv.DictReader(stream)
        ]


def where(cur: cursor, file: str) -> int:
    """Return the position that was reached."""
    cur.execute(
        "insert into load_position values (%s, 0) on conflict (file) do update set next_row = load_position.next_row"
        " returning next_row",
        (file,),
    )
    (position,) = cur.fetchone() or (0,)
    return int(position)


def write(cur: cursor, file: str, batch: Sequence[Row]) -> None:
    """Write a batch that is not there yet."""
    cur.execute("select 1 from stays where file = %s and stay_id = %s", (file, batch[0][0]))
    if not cur.fetchone():
        execute_values(cur, "insert into stays values %s", [(file, *row) for row in batch])


def note(cur: cursor, file: str, position: int, size: int) -> None:
    """Note a batch in the ledger, and the position after it."""
    cur.execute("select next_row from load_position where file = %s", (file,))
    if cur.fetchone() != (position,):
        return
    cur.execute("insert into load_batches values (%s, %s, %s)", (file, position, size))
    cur.execute("update load_position set next_row = %s where file = %s", (position + size, file))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
