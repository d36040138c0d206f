"""Export stays to a file: `python -m icu_platform.export FILE`.

It is written page by page, with a local checkpoint: whatever ends it, the same command goes on.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import psycopg2

from icu_platform.process import database_url, start_process
from pytest_resilience import (
    CheckpointManager,
    ResilienceError,
    StructuredErrorLogger,
    translated_errors,
)

OPERATION = "export-stays"
PAGE = """
select stay_id, first_careunit, last_careunit, los from raw.icustays where stay_id > %s order by stay_id limit %s
"""
BEGIN = {"after": 0, "rows": 0, "bytes": 0}


def export_stays(dsn: str, target: Path, checkpoints: CheckpointManager, *, page_size: int = 1_000) -> int:
    """Write each stay to `target` once, and return how many there are.

    The checkpoint says up to which stay, and how long the file was then; what stands behind that is written again.

    Args:
        dsn: where the database is.
        target: the file.
        checkpoints: where the position is kept; it is deleted when the file is complete.
        page_size: stays between two checkpoints.

    Raises:
        ResilienceError: it was interrupted; what is in the file by the checkpoint is kept.
    """
    state = checkpoints.load_checkpoint(OPERATION) or BEGIN
    with translated_errors("Connecting to the database"):
        connection = psycopg2.connect(dsn, connect_timeout=10)
    with closing(connection), translated_errors(f"Writing {target}"), target.open("ab") as file:
        file.truncate(state["bytes"])
        while page := _page(connection, state["after"], page_size):
            state = {
                "after": page[-1][0],
                "rows": state["rows"] + len(page),
                "bytes": _append(file, page),
            }
            checkpoints.save_checkpoint(OPERATION, state)
    checkpoints.delete_checkpoint(OPERATION)
    return int(state["rows"])


def _page(connection: Any, after: int, size: int) -> list[tuple[Any, ...]]:
    with translated_errors("Reading stays"), connection, connection.cursor() as cursor:
        cursor.execute(PAGE, (after, size))
        return list(cursor.fetchall())


def _append(file: BinaryIO, page: Sequence[tuple[Any, ...]]) -> int:
    """Write a page so that it survives a crash, and return how long the file is."""
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\n").writerows(page)
    file.write(lines.getvalue().encode())
    file.flush()
    os.fsync(file.fileno())
    return os.fstat(file.fileno()).st_size


def main(arguments: Sequence[str] | None = None) -> int:
    """Export; return 0 when the file is complete, 1 when not, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m icu_platform.export", description=__doc__)
    parser.add_argument("file", type=Path, help="the CSV file to write")
    parser.add_argument(
        "--checkpoints", type=Path, default=Path("checkpoints"), help="default: ./%(default)s"
    )
    options = parser.parse_args(arguments)
    dsn = database_url(parser)
    start_process()
    try:
        export_stays(dsn, options.file, CheckpointManager(options.checkpoints))
    except ResilienceError as error:
        context = {"operation": "export", "resource": options.file.name, "component": "data_pipeline"}
        StructuredErrorLogger("icu_platform.errors").log_error(error, context, "HIGH")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
