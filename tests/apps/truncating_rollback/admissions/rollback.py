"""Take a file's stays out again; safe to run twice.

python -m admissions.rollback data/stays.csv
"""

import logging
import sys

from psycopg2.extensions import cursor

from admissions import log
from admissions.errors import AdmissionsError
from admissions.store import Warehouse

logger = logging.getLogger("admissions.rollback")


def main(file: str) -> int:
    """Undo the load of one file; return the exit status."""
    log.set_up()
    warehouse = Warehouse()
    try:
        warehouse.unit(lambda cur: forget(cur, file), operation="take stays out")
    except AdmissionsError as error:
        extra = log.about(error, operation="take stays out", attempt=1)
        logger.error("%s; %s, then run the rollback again", error, error.hint, extra=extra)
        return 1
    finally:
        warehouse.close()
    return 0


def forget(cur: cursor, file: str) -> None:
    """Delete what the file has brought, and where its load was."""
    cur.execute("truncate stays, load_batches")
    cur.execute("delete from load_position where file = %s", (file,))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
