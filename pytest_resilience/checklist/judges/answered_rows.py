"""Rows that calls were answered for: where each call leaves the same number, they can be counted under a fault too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.state.difference import count
from pytest_resilience.chaos.state.postgres import PostgresState
from pytest_resilience.checklist.judges.answered_calls import answered, are_alike
from pytest_resilience.checklist.records.asides import Asides, asides

_LEAVES_ROWS = ("SELECT", "UPDATE", "SHOW", "SET", "LISTEN", "UNLISTEN", "NOTIFY", "LOCK")
"""Statements after which a table has as many rows as before."""
Fate: TypeAlias = Literal["lost", "doubled"]


@dataclass(frozen=True, slots=True)
class WrongCount:
    """A table with other rows than its calls were answered for.

    Args:
        fate: whether rows are lost or doubled.
        words: how many of which table.
    """

    fate: Fate
    words: str


def wrong_counts(run: RunRecord, clean: RunRecord, service: str) -> Iterator[WrongCount]:
    """Yield the tables that have fewer rows than calls were answered for as undisturbed, or more than were made.

    A call that was answered otherwise than undisturbed may have left its rows or not: it failed, or it says that
    something is still to be done. Nothing is said where calls leave different numbers of rows, or where rows also come
    or go between answers: there the number of calls tells nothing.

    Args:
        run: calls under a fault.
        clean: the undisturbed run, which begins with the same rows.
        service: the database.
    """
    boundaries, seen = clean.boundaries.get(service, ()), run.states.get(service)
    if not boundaries or not isinstance(seen, PostgresState) or _besides(asides(clean, service)):
        return
    before = boundaries[0]
    succeeded, made = answered(run.calls, clean), len(run.calls)
    for name, each in _rows_of_a_call(clean, before, clean.states[service]):
        if name not in seen.tables:
            continue
        new = seen.tables[name].count - before.tables[name].count
        if new < each * succeeded:
            rows = count(each * succeeded - new, "row")
            yield WrongCount(
                "lost", f"{count(succeeded, 'call')} succeeded, and {rows} of theirs in {name} lost"
            )
        elif new > each * made:
            rows = count(new - each * made, "row")
            yield WrongCount(
                "doubled", f"{count(made, 'call')} were made, and {rows} too many in {name}: doubled"
            )


def _rows_of_a_call(
    clean: RunRecord, before: PostgresState, after: PostgresState
) -> Iterator[tuple[str, int]]:
    made = len(clean.calls)
    if not are_alike(clean):
        return
    for name in before.tables.keys() & after.tables.keys():
        each, rest = divmod(after.tables[name].count - before.tables[name].count, made)
        if each > 0 and rest == 0:
            yield name, each


def _besides(found: Asides) -> bool:
    return found.later or any(not name.upper().startswith(_LEAVES_ROWS) for name in found.names)
