"""Load the census, a day a transaction, by way of a temporary table: python -m census.load."""

import csv
import logging
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg

from census import alarm, logs
from census.hospital import HospitalError, unit

log = logging.getLogger("census.load")
FILE = Path("data/census.csv")


def main() -> int:
    """Load the days that are not there yet; return the exit status."""
    logs.set_up()
    alarm.send_waiting()
    with FILE.open(newline="", encoding="utf-8") as stream:
        days = [(day, list(rows)) for day, rows in groupby(csv.reader(stream), key=lambda row: row[0])][1:]
    for day, rows in days:
        try:
            unit(
                lambda connection, day=day, rows=rows: load_day(connection, day, rows),
                operation=f"load {day}",
            )
        except HospitalError as error:
            facts = {
                "operation": error.operation,
                "code": error.sqlstate,
                "attempt": 5,
                "error_type": type(error).__name__,
            }
            log.error("%s; follow runbooks/hospital.md, then run it again", error, extra={"facts": facts})
            alarm.raise_alarm(error)
    return 0


def load_day(connection: psycopg.Connection[Any], day: str, rows: list[list[str]]) -> None:
    """Write one day, unless it is there: an earlier try may have succeeded without our hearing of it."""
    if connection.execute("select 1 from days where day = %s", (day,)).fetchone():
        return
    connection.execute("create temporary table today (day date, bed text, patient text) on commit drop")
    with connection.cursor().copy("copy today from stdin") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute("insert into census select day, bed, patient from today where patient <> ''")
    connection.execute("insert into days select day, count(*) from today group by day")


if __name__ == "__main__":
    sys.exit(main())
