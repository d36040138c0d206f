"""Load a file of stays: ten rows a transaction, the position in a file.

python -m admissions.ingest data/stays.csv
"""

import csv
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from admissions import alerts, log, position
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
        for at in range(position.read(), len(rows), BATCH):
            position.save(at + BATCH)
            warehouse.unit(lambda cur, at=at: load(cur, file, rows, at), operation="load stays")
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


def load(cur: cursor, file: str, rows: Sequence[Row], at: int) -> None:
    """Write the batch at a position, once."""
    batch = rows[at : at + BATCH]
    token = f"{log.RUN_ID}-{at}"
    cur.execute("select 1 from load_tokens where token = %s", (token,))
    if cur.fetchone():
        return  # an earlier try of this run has succeeded
    cur.execute("insert into load_tokens values (%s)", (token,))
    execute_values(cur, "insert into stays values %s", [(file, *row) for row in batch])
    cur.execute("insert into load_batches values (%s, %s, %s)", (file, at, len(batch)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
