"""The `sql` expectation: a query has one cell, and that is what it should be."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from pytest_resilience.chaos.expectations.context import Context, Look
from pytest_resilience.chaos.expectations.judgement import Judgement, shortened
from pytest_resilience.chaos.run.record import CheckRecord, RunRecord
from pytest_resilience.chaos.scenario.model import Expectations, Scalar, SqlCheck
from pytest_resilience.chaos.state.side import first_line, side_connection
from pytest_resilience.errors import HarnessError

BOOLEAN = 16
"""The type's number in every PostgreSQL (pg_type.dat)."""
_TRUTHS = {"t": True, "f": False}

Cell: TypeAlias = bool | str | None
"""What a query answered: truth as truth, everything else as the server writes it."""


def judge_sql(expect: Expectations, record: RunRecord, context: Context) -> Iterator[Judgement]:
    """Judge each query after the end."""
    for check in expect.sql:
        answer = record.answers.get(check) or ask_sql(check, context.look)
        yield Judgement(
            name="sql", phase="safety", held=answer.held, expected=sql_words(check), seen=answer.seen
        )


def sql_words(check: SqlCheck) -> str:
    """Return `select 1 on warehouse is 1`."""
    return f"{shortened(check.query)} on {check.on} is {scalar_words(check.equals)}"


def scalar_words(value: Scalar) -> str:
    """Return a value as a scenario file writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    """Return a text so that it is seen where it ends: reports leave it out."""
    return "'" + text.replace("'", "''") + "'"


def ask_sql(check: SqlCheck, look: Look) -> CheckRecord:
    """Ask the database now; what goes wrong is what was seen."""
    try:
        cell = _cell(check, look)
    except (HarnessError, _NoCellError) as error:
        return CheckRecord(check=sql_words(check), held=False, seen=str(error))
    return CheckRecord(
        check=sql_words(check), held=is_equal(cell, check.equals), seen=_shown(cell, check.equals)
    )


def is_equal(cell: Cell, equals: Scalar) -> bool:
    """Tell whether a cell is what it should be: numbers numerically, truth as truth, the rest as text."""
    if cell is None or equals is None:
        return cell is None and equals is None
    if isinstance(equals, bool) or isinstance(cell, bool):
        return _truth(cell) is not None and _truth(cell) == _truth(equals)
    if isinstance(equals, int | float):
        return _number(cell) is not None and _number(cell) == _number(str(equals))
    return cell == equals


def _truth(value: Scalar) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def _shown(cell: Cell, equals: Scalar) -> str:
    """Return a cell in words; bare is a number alone, where one is asked for: any other may be about somebody."""
    if not isinstance(cell, str):
        return scalar_words(cell)
    counted = isinstance(equals, int | float) and not isinstance(equals, bool) and _number(cell) is not None
    return shortened(cell) if counted else _quoted(shortened(cell))


class _NoCellError(Exception):
    """Say why a query has not one cell."""


def _cell(check: SqlCheck, look: Look) -> Cell:
    import psycopg2

    with side_connection(look.dsn(check.on)) as connection, connection.cursor() as cursor:
        _take_text(cursor)
        try:
            cursor.execute(check.query)
            rows = cursor.fetchmany(2) if cursor.description else []
        except psycopg2.Error as error:
            raise _NoCellError(f"the query failed: {first_line(error)}") from error
        return _only(cursor, rows)


def _only(cursor: Any, rows: list[tuple[Any, ...]]) -> Cell:
    if cursor.description is None:
        raise _NoCellError("the query has no result; one cell is asked for")
    if len(rows) != 1 or len(cursor.description) != 1:
        number = "no row" if not rows else f"{cursor.rowcount} rows of {len(cursor.description)} columns"
        raise _NoCellError(f"the query has {number}; one cell is asked for")
    text: str | None = rows[0][0]
    return _TRUTHS.get(text or "", text) if cursor.description[0].type_code == BOOLEAN else text


def _take_text(cursor: Any) -> None:
    """Let values come as the server writes them, not as Python would."""
    from psycopg2.extensions import new_type, register_type

    cursor.execute("select oid::bigint from pg_type")
    every = tuple(oid for (oid,) in cursor.fetchall())
    register_type(new_type(every, "AS_WRITTEN", lambda text, _: text), cursor)
