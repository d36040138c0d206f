"""SQL operations as a caller lists them: strings, or pairs of SQL and parameters."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.database.connection import sqlstate_of
from pytest_resilience.runtime.database.sql_text import controls_transaction, without_data

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Operation:
    """One statement, and its parameters in the driver's own style."""

    sql: Any
    parameters: Any = None

    @classmethod
    def read(cls, given: Any, cursor: Any) -> Operation:
        """Return the operation that was given, or refuse what would not be all or nothing.

        Args:
            given: SQL, or SQL and parameters.
            cursor: of the driver, whose own objects know with it what they say.

        Raises:
            FatalError: it is empty, has too many parts, or begins or ends a transaction.
        """
        parts = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        if len(parts) not in {1, 2}:
            raise FatalError(f"it has {len(parts)} parts; expected SQL, or (SQL, parameters)")
        sql = parts[0]
        if sql is None or (isinstance(sql, (str, bytes)) and not sql.strip()):
            raise FatalError("it is empty")
        control = controls_transaction(_words_of(sql, cursor))
        if control is not None:
            raise FatalError(
                f"{control!r} would begin or end a transaction; all operations run in one, leave it out"
            )
        return cls(*parts)

    def run(self, cursor: Any) -> None:
        """Run it."""
        if self.parameters is None:
            cursor.execute(self.sql)
        else:
            cursor.execute(self.sql, self.parameters)


class Operations:
    """Operations that belong together.

    Raises:
        FatalError: they are no list of operations.
    """

    def __init__(self, operations: Iterable[Any]) -> None:
        if isinstance(operations, (str, bytes, dict)) or not isinstance(operations, Iterable):
            raise FatalError(
                "operations must be a list of SQL strings or of (SQL, parameters) pairs, "
                f"got a {type(operations).__name__}"
            )
        self._given = list(operations)

    def __call__(self, cursor: Any) -> None:
        """Look at all of them, then run one after another; say which one failed."""
        for position, operation in enumerate(
            [self._read(n, given, cursor) for n, given in enumerate(self._given, 1)], 1
        ):
            try:
                operation.run(cursor)
            except Exception as error:
                self._tell(position, operation, error)
                raise

    def _read(self, position: int, given: Any, cursor: Any) -> Operation:
        try:
            return Operation.read(given, cursor)
        except FatalError as error:
            raise FatalError(f"operation {position} of {len(self._given)} was refused: {error}") from None

    def _tell(self, position: int, operation: Operation, error: Exception) -> None:
        """Log the statement without its data; the error's own words may hold some, so they are left out."""
        logger.error(
            "operation %d of %d failed with %s, SQLSTATE %s: %s",
            position,
            len(self._given),
            type(error).__name__,
            sqlstate_of(error),
            without_data(str(operation.sql)),
            extra={"operation": "execute_with_rollback", "sqlstate": sqlstate_of(error)},
        )


def _words_of(sql: Any, cursor: Any) -> str:
    """Return what a statement says: a text, bytes, an `SQL` of psycopg, or a `text()` of SQLAlchemy."""
    if isinstance(sql, bytes):
        return sql.decode(errors="replace")
    if callable(getattr(sql, "as_string", None)):
        return str(sql.as_string(cursor))
    words = sql if isinstance(sql, str) else getattr(sql, "text", "")
    return words if isinstance(words, str) else ""
