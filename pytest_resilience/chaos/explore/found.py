"""What exploration has found, as a scenario that is red until the code is mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_resilience.chaos.explore.exploration import Finding
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import Expectations, FaultOrder, HttpCheck, Scenario, SqlCheck
from pytest_resilience.chaos.state.postgres import PostgresState, TableState, row_hash


def found_scenario(clean: CleanRun, orders: Sequence[FaultOrder], title: str, finding: Finding) -> Scenario:
    """Return a scenario with the faults, that expects of the workload what the finding missed.

    Not every finding can be said in a scenario: replay it before it is claimed to be red.

    Args:
        clean: the undisturbed run.
        orders: the faults.
        title: its first line.
        finding: what went wrong.
    """
    declaration, record = clean.workload, finding.record
    finishes = declaration.resume == "rerun" or record.exit_code == 0
    return Scenario(
        title=title,
        workload=declaration.name,
        faults=tuple(orders),
        expect=Expectations(
            exit=0 if finishes and declaration.shape == "job" else None,
            exactly_once=tuple(promise.table for promise in declaration.exactly_once) if finishes else (),
            sql=tuple(_rows(clean, record, finishes=finishes)),
            http=tuple(_serves(clean)),
            duration=declaration.deadline if any(process.blocked for process in record.processes) else None,
            no_leak=True,
        ),
    )


def _rows(clean: CleanRun, record: RunRecord, *, finishes: bool) -> Iterator[SqlCheck]:
    """Ask for rows; not of a server that is asked all the time, as often as it takes."""
    if clean.workload.drive is None:
        yield from _as_undisturbed(clean, record) if finishes else _whole(clean, record)


def _as_undisturbed(clean: CleanRun, record: RunRecord) -> Iterator[SqlCheck]:
    """Ask for what is in the tables that did not end as without the faults."""
    for service, expected, seen in _databases(clean, record):
        for table, rows in expected.tables.items():
            other = seen.tables.get(table)
            if other is None or other.count != rows.count:
                yield SqlCheck(on=service, query=_count(table), equals=rows.count)
            elif other != rows and (checksum := _checksum(table, rows)):
                yield SqlCheck(on=service, query=checksum, equals=rows.checksum)
        for table in sorted(seen.tables.keys() - expected.tables.keys()):
            query = f"select to_regclass({_literal(table)}) is null"
            yield SqlCheck(on=service, query=query, equals=True)


def _whole(clean: CleanRun, record: RunRecord) -> Iterator[SqlCheck]:
    """Ask that all has been done, or nothing: a workload that fails, and that nobody starts again, may do either."""
    for service, after, seen in _databases(clean, record):
        before = clean.begin.get(service)
        if not isinstance(before, PostgresState) or seen in (before, after):
            continue
        changed = [table for table in after.tables if before.tables.get(table) != after.tables[table]]
        common = [table for table in changed if table in before.tables]
        if not common:
            continue
        by_count = _counts(seen, common) not in (_counts(before, common), _counts(after, common))
        ways = [
            " and ".join(_is_as(table, state.tables[table], by_count=by_count) for table in common)
            for state in (before, after)
        ]
        yield SqlCheck(on=service, query=f"select ({ways[0]}) or ({ways[1]})", equals=True)


def _counts(state: PostgresState, tables: Sequence[str]) -> list[int | None]:
    return [state.tables[table].count if table in state.tables else None for table in tables]


def _databases(clean: CleanRun, record: RunRecord) -> Iterator[tuple[str, PostgresState, PostgresState]]:
    for service, seen in record.states.items():
        expected = clean.record.states.get(service)
        if isinstance(expected, PostgresState) and isinstance(seen, PostgresState):
            yield service, expected, seen


def _is_as(table: str, rows: TableState, *, by_count: bool) -> str:
    """Return a condition: the table has these rows, or so many where that is enough."""
    count = f"({_count(table)}) = {rows.count}"
    checksum = None if by_count or not rows.count else _checksum(table, rows)
    return count if checksum is None else f"{count} and ({checksum}) = {_literal(rows.checksum)}"


def _count(table: str) -> str:
    return f"select count(*) from {table}"  # noqa: S608 - the server has quoted the name


def _checksum(table: str, rows: TableState) -> str | None:
    """Return a query for the checksum of a table's rows; none where its columns are not known."""
    columns = [column for column in rows.columns if column not in rows.masked]
    if not columns:
        return None
    return f"select coalesce(sum({row_hash(columns)}), 0)::text from {table}"  # noqa: S608 - as above


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _serves(clean: CleanRun) -> Iterator[HttpCheck]:
    """Ask a server for what it is driven with, where that has no body, or whether it is ready."""
    declaration = clean.workload
    if declaration.shape != "server":
        return
    drive = declaration.drive
    request = drive.request if drive is not None and drive.request.startswith("GET ") else declaration.ready
    if request is not None:
        yield HttpCheck(on=declaration.name, request=request)
