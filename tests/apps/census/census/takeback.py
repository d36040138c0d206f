"""Take the days of the file out of the census: python -m census.takeback."""

import csv
import logging
import sys
from typing import Any

import psycopg

from census import logs
from census.hospital import HospitalError, unit
from census.load import FILE

log = logging.getLogger("census.takeback")


def main() -> int:
    """Delete what was loaded; a second time there is nothing to do."""
    logs.set_up()
    with FILE.open(newline="", encoding="utf-8") as stream:
        days = sorted({row["day"] for row in csv.DictReader(stream)})
    try:
        unit(lambda connection: delete(connection, days), operation="take the census back")
    except HospitalError as error:
        facts = {
            "operation": error.operation,
            "code": error.sqlstate,
            "attempt": 5,
            "error_type": type(error).__name__,
        }
        log.error("%s; follow runbooks/hospital.md, then run it again", error, extra={"facts": facts})
        return 1
    return 0


def delete(connection: psycopg.Connection[Any], days: list[str]) -> None:
    """Delete these days."""
    connection.execute("delete from census where day = any(%s::date[])", (days,))
    connection.execute("delete from days where day = any(%s::date[])", (days,))


if __name__ == "__main__":
    sys.exit(main())
