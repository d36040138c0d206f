"""What a workload promises of its tables: each row exactly once, statements that hold at every moment."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from pytest_resilience.chaos.configuration.inside import is_there, named_path
from pytest_resilience.chaos.configuration.model import Atomic, ExactlyOnce, ServiceKind
from pytest_resilience.chaos.configuration.shapes import TABLE
from pytest_resilience.chaos.configuration.table import Table
from pytest_resilience.chaos.nearest import nearest

EXACTLY_ONCE_KEYS = ("service", "table", "key", "rows")
ATOMIC_KEYS = ("service", "sql")

Kinds = Mapping[str, ServiceKind | None]
"""Declared services by name; none where the kind is wrong, which is told elsewhere."""


def is_service(
    table: Table, name: str, kinds: Kinds, allowed: tuple[ServiceKind, ...], *keys: str | int
) -> bool:
    """Return whether a service of one of these kinds is declared by this name, or complain."""
    label = table.label(str(keys[0]))
    if name not in kinds:
        known = [each for each, kind in kinds.items() if kind is None or kind in allowed]
        table.complain(f"{label} names {name!r}, and no service is called so: {nearest(name, known)}", *keys)
        return False
    kind = kinds[name]
    if kind is None or kind in allowed:
        return True
    table.complain(f"{label} names {name!r}, which is {kind}: it has to be {' or '.join(allowed)}", *keys)
    return False


def read_exactly_once(table: Table, kinds: Kinds, folder: Path) -> ExactlyOnce | None:
    """Return the promise, or none where it lacks something, which is complained of."""
    table.only(EXACTLY_ONCE_KEYS)
    service = _service(table, kinds)
    target = table.needed("table", '"schema.table"')
    if target is not None:
        TABLE.check(table, target, "table")
    key = table.tuple_of_texts("key")
    if not key and not table.values.get("key"):
        table.complain(
            f"{table.name} needs key: the columns that make a row the one and only", *_if("key", table)
        )
    rows = table.text("rows")
    if rows is not None:
        _check_rows(table, named_path(table, folder, rows, "file", "rows"), key)
    if service is None or target is None or not key:
        return None
    return ExactlyOnce(service=service, table=target, key=key, rows=rows)


def read_atomic(table: Table, kinds: Kinds) -> Atomic | None:
    """Return the statement, or none where it lacks something, which is complained of."""
    table.only(ATOMIC_KEYS)
    service, sql = _service(table, kinds), table.needed("sql", '"select ..."')
    return None if service is None or sql is None else Atomic(service=service, sql=sql)


def _service(table: Table, kinds: Kinds) -> str | None:
    service = table.needed("service", '"..."')
    if service is not None:
        is_service(table, service, kinds, ("postgres",), "service")
    return service


def _check_rows(table: Table, file: Path | None, key: tuple[str, ...]) -> None:
    """Complain of a key column that a CSV file's first line does not have."""
    if file is None or file.suffix.lower() != ".csv" or not is_there(file, "file"):
        return
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            columns = [column.strip() for column in next(csv.reader(lines), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        table.complain(f"{table.label('rows')} cannot be read as CSV: {error}", "rows")
        return
    known = {column.lower() for column in columns}
    for column in key:
        if column.lower() not in known:
            table.complain(
                f"{table.label('key')}: {file.name} has no column {column!r}: {nearest(column, columns)}",
                "key",
            )


def _if(key: str, table: Table) -> tuple[str, ...]:
    return (key,) if key in table else ()
