"""Load batches into a table by COPY, and tell which rows it refuses.

The server is the judge: its types, NOT NULL, CHECK, UNIQUE and FOREIGN KEY say what a wrong row is. A batch
goes in one COPY; only when that fails are its rows looked at, by halves and by the line that the server
names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.database.connection import sqlstate_of
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.ingestion.csv_records import Batch, Record, joined
from pytest_resilience.runtime.ingestion.csv_source import CsvSource
from pytest_resilience.runtime.ingestion.encodings import postgres_name
from pytest_resilience.runtime.ingestion.rejects import Reject
from pytest_resilience.runtime.ingestion.target_table import Column, TargetTable

ROW_FAULTS = frozenset({"22", "23", "44", "P0", "54000"})
"""SQLSTATEs, or their classes, that blame the row: data exceptions, constraints, the CHECK OPTION of a view, what
PL/pgSQL raises in a trigger, and a value too long for an index."""
_OTHERS = (
    "00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 20 21 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F",
    "40 42 53 54 55 57 58 72 F0 HV XX",
)
OTHER_FAULTS = frozenset(name for names in _OTHERS for name in names.split())
"""The other classes that PostgreSQL knows (its documentation, appendix A); a trigger may raise one of its own."""
FIRST_STEP = 256
"""Rows that are sent after a refused one; doubled with each success, so that little is sent in vain."""


def blames_a_row(error: BaseException) -> bool:
    """Tell whether the server refused the data, and not the statement or the connection."""
    state = sqlstate_of(error)
    if not state:
        return False
    return state in ROW_FAULTS or state[:2] in ROW_FAULTS or state[:2] not in OTHER_FAULTS


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a batch."""

    rows: int
    rejects: list[Reject] = field(default_factory=list)


class BatchLoader:
    """Send batches to one table.

    Args:
        session: the connection.
        table: the table.
        columns: those that the records have, in their order.
        source: where the records come from.
    """

    def __init__(
        self, session: PostgresSession, table: TargetTable, columns: Sequence[Column], source: CsvSource
    ) -> None:
        self._session = session
        self._statement, self._unquoted_statement = (
            table.copy_statement(
                columns, delimiter=source.delimiter, encoding=postgres_name(source.encoding), quotes=quotes
            )
            for quotes in (True, False)
        )
        self._place = re.compile(rf"COPY {re.escape(table.name)}[^\d\n]*?(\d+)(?:, \S+ (\S+):)?")
        self._counts_rows = table.counts_rows
        self._single_column = len(columns) == 1  # then a blank line could be a row

    def load_whole(self, batch: Batch) -> Loaded:
        """Send the batch in one COPY.

        Raises:
            Exception: of the driver; if it blames a row, `load_rows` finds out which.
        """
        blocks = None if self._single_column else batch.at_once()
        if blocks is None:
            texts = [record.text for record in batch.records()]
            self._copy(self._statement, [joined(texts)], len(texts))
            return Loaded(len(texts))
        self._copy(self._statement if batch.quotes else self._unquoted_statement, blocks, batch.ends)
        return Loaded(batch.ends)

    def load_rows(self, batch: Batch) -> Loaded:
        """Send the batch so that each wrong row is found, and every other one goes in.

        A row counts as wrong only when it has been refused alone, after all rows before it.
        """
        records = list(batch.records())
        self._session.execute("set constraints all immediate")
        rejects: list[Reject] = []
        waiting, step = [records], len(records)
        while waiting:
            chunk = waiting.pop()
            if len(chunk) > step:
                waiting.append(chunk[step:])
                chunk = chunk[:step]
            error = self._refusal(chunk)
            if error is None:
                step *= 2
            elif len(chunk) == 1:
                rejects.append(self._reject(chunk[0], error))
            else:
                step = FIRST_STEP
                waiting += self._parts(chunk, error)
        return Loaded(len(records), rejects)

    def _refusal(self, records: Sequence[Record]) -> Exception | None:
        """Send rows; return why the server refuses them, with nothing of them left in the table."""
        self._session.execute("savepoint resilience_rows")
        try:
            self._copy(self._statement, [joined([record.text for record in records])], len(records))
        except Exception as error:
            if self._session.is_lost or not blames_a_row(error):
                raise
            self._session.execute("rollback to savepoint resilience_rows")
            return error
        self._session.execute("release savepoint resilience_rows")
        return None

    def _parts(self, chunk: list[Record], error: Exception) -> list[list[Record]]:
        """Return a refused chunk in parts, the last of them to be sent first.

        These are what stands before the row that the server complains of, that row, and the rest; halves, if
        it does not say which row.
        """
        index = self._index(error, chunk)
        if index is None:
            middle = len(chunk) // 2
            return [chunk[middle:], chunk[:middle]]
        return [part for part in (chunk[index + 1 :], chunk[index : index + 1], chunk[:index]) if part]

    def _copy(self, statement: str, blocks: Sequence[bytes], rows: int) -> None:
        taken = self._session.copy(statement, blocks)
        if self._counts_rows and taken != rows:
            raise FatalError(
                f"{rows} rows were sent and the server took {taken}; nothing of this batch is kept. "
                "See whether a line of the file is a lone backslash and dot"
            )

    def _index(self, error: Any, records: Sequence[Record]) -> int | None:
        """Return which record the server complains of; it counts the lines that it was sent."""
        place = self._place.search(error.diag.context or "")
        if place is None:
            return None
        line = int(place[1])
        for index, record in enumerate(records):
            line -= record.text.count(b"\n") + 1
            if line <= 0:
                return index
        return None

    def _reject(self, record: Record, error: Any) -> Reject:
        place = self._place.search(error.diag.context or "")
        column = error.diag.column_name or (place[2] if place else None)
        reason = f"{error.diag.message_primary}" + (f" (column {column})" if column else "")
        return Reject(record.line, record.text, sqlstate_of(error) or "", reason)
