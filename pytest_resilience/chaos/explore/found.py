"""What exploration has found, as a scenario that is red until the code is mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_resilience.chaos.explore.exploration import Finding
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.scenario.model import Expectations, FaultOrder, Scenario, SqlCheck
from pytest_resilience.chaos.state.postgres import PostgresState


def found_scenario(clean: CleanRun, orders: Sequence[FaultOrder], title: str, finding: Finding) -> Scenario:
    """Return a scenario with the faults, that expects what the undisturbed run did.

    Args:
        clean: the undisturbed run.
        orders: the faults.
        title: its first line.
        finding: what went wrong.
    """
    declaration = clean.workload
    comes_back = declaration.shape == "job" and (
        declaration.resume == "rerun" or finding.record.exit_code == 0
    )
    return Scenario(
        title=title,
        workload=declaration.name,
        faults=tuple(orders),
        expect=Expectations(
            exit=0 if comes_back else None,
            exactly_once=tuple(promise.table for promise in declaration.exactly_once),
            sql=tuple(_counts(clean, finding)),
            duration=declaration.deadline if any(p.blocked for p in finding.record.processes) else None,
            no_leak=True,
        ),
    )


def _counts(clean: CleanRun, finding: Finding) -> Iterator[SqlCheck]:
    """Ask for the number of rows of the tables that ended otherwise, or where that is the same, what is in them."""
    for service, seen in finding.record.states.items():
        expected = clean.record.states.get(service)
        if not isinstance(expected, PostgresState) or not isinstance(seen, PostgresState):
            continue
        for table, rows in expected.tables.items():
            other = seen.tables.get(table)
            if other is not None and other.count != rows.count:
                query = f"select count(*) from {table}"  # noqa: S608 - the server has quoted the name
                yield SqlCheck(on=service, query=query, equals=rows.count)
