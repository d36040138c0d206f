"""The `exactly_once` expectation: each expected key is once in the table, and no other."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.configuration.model import ExactlyOnce
from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import Expectations
from pytest_resilience.chaos.state.exactly_once import judge_exactly_once
from pytest_resilience.errors import HarnessError


def judge_rows(expect: Expectations, _record: RunRecord, context: Context) -> Iterator[Judgement]:
    """Judge each table after the end."""
    for table in expect.exactly_once:
        declaration = declared(table, context.workload.exactly_once)
        wrong = judge_exactly_once(
            context.look.dsn(declaration.service),
            declaration,
            folder=context.folder,
            expected=context.keys.get(declaration.table),
            before=context.keys_before.get(declaration.table),
        )
        source = declaration.rows or "the undisturbed run"
        yield Judgement(
            name="exactly_once",
            phase="safety",
            held=not wrong,
            expected=f"each {', '.join(declaration.key)} of {source} once in {declaration.table}, and no other",
            seen="; ".join(wrong) or "just that",
        )


def declared(table: str, declarations: tuple[ExactlyOnce, ...]) -> ExactlyOnce:
    """Return the declaration of a table.

    Raises:
        HarnessError: the workload has none.
    """
    for declaration in declarations:
        if declaration.table.casefold() == table.casefold():
            return declaration
    known = nearest(table, [declaration.table for declaration in declarations])
    raise HarnessError(f"exactly_once: the workload does not declare table {table!r}; {known}")
