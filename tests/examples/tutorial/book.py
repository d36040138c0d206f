"""Book the visits of a file: `python book.py`."""

import csv
import sys
from pathlib import Path

from psycopg2.extras import execute_values

import oncall
from warehouse import WarehouseError, in_transaction


def write(cursor, file, visits):
    execute_values(cursor, "insert into visits values %s", visits)
    cursor.execute("insert into loads values (%s, %s)", (file, len(visits)))


def undo(file="visits.csv"):
    in_transaction("undo the booking", lambda cursor: unwrite(cursor, file, read(file)))


def unwrite(cursor, file, visits):
    cursor.execute("delete from visits where visit_id = any(%s)", ([int(visit[0]) for visit in visits],))
    cursor.execute("delete from loads where file = %s", (file,))


def read(file):
    with Path(file).open(newline="") as stream:
        return list(csv.reader(stream))[1:]


def main(file="visits.csv"):
    oncall.deliver()
    visits = read(file)
    try:
        in_transaction("book visits", lambda cursor: write(cursor, file, visits))
    except WarehouseError as error:
        oncall.page(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
