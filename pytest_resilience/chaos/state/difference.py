"""What differs between two states of a database, in words that hold no data: names and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from pytest_resilience.chaos.state.postgres import PostgresState, TableState

MOST_OBJECTS = 10
"""Objects of the schema that are named; the others are counted."""


def difference(expected: PostgresState, seen: PostgresState) -> tuple[str, ...]:
    """Say what is other in `seen`; nothing where they are equal.

    Args:
        expected: the undisturbed run's state, or the snapshot.
        seen: the state that is judged.
    """
    return (*_schema(expected.schema, seen.schema), *_tables(expected.tables, seen.tables))


def _schema(expected: Mapping[str, str], seen: Mapping[str, str]) -> Iterator[str]:
    yield from _named("missing", expected.keys() - seen.keys())
    yield from _named("not expected", seen.keys() - expected.keys())
    yield from _named(
        "defined otherwise", {name for name in expected.keys() & seen.keys() if expected[name] != seen[name]}
    )


def _named(what: str, names: set[str]) -> Iterator[str]:
    for name in sorted(names)[:MOST_OBJECTS]:
        yield f"{name} is {what}"
    if len(names) > MOST_OBJECTS:
        yield f"{len(names) - MOST_OBJECTS} more objects of the schema are {what}"


def _tables(expected: Mapping[str, TableState], seen: Mapping[str, TableState]) -> Iterator[str]:
    for name in sorted(expected.keys() & seen.keys()):
        if expected[name] != seen[name]:
            yield f"{name}: {', '.join(_rows(expected[name], seen[name]))}"


def _rows(expected: TableState, seen: TableState) -> Iterator[str]:
    counts = (
        f"{count(seen.count, 'row')}, expected {expected.count}"
        if seen.count != expected.count
        else f"{count(seen.count, 'row')} as expected, but not the same"
    )
    yield counts
    if expected.rows is not None and seen.rows is not None:
        yield from _fates(Counter(expected.rows), Counter(seen.rows), keyed=expected.has_key and seen.has_key)
    yield from _columns(expected, seen)


def _fates(
    expected: Counter[tuple[int, int]], seen: Counter[tuple[int, int]], *, keyed: bool
) -> Iterator[str]:
    gone, more = expected - seen, seen - expected
    doubled = sum(number for row, number in more.items() if row in expected)
    new = Counter({row: number for row, number in more.items() if row not in expected})
    changed = 0
    if keyed:  # the same key with another row
        keys = {key for key, _ in gone} & {key for key, _ in new}
        changed = len(keys)
        gone = Counter({row: number for row, number in gone.items() if row[0] not in keys})
        new = Counter({row: number for row, number in new.items() if row[0] not in keys})
    told = {"lost": gone.total(), "doubled": doubled, "changed": changed, "not expected": new.total()}
    yield from (f"{count(number, 'row')} {fate}" for fate, number in told.items() if number)


def _columns(expected: TableState, seen: TableState) -> Iterator[str]:
    if expected.count != seen.count:
        return
    common = (expected.columns.keys() & seen.columns.keys()) - expected.masked - seen.masked
    differing = sorted(column for column in common if expected.columns[column] != seen.columns[column])
    if differing:
        yield f"in {'columns' if len(differing) > 1 else 'column'} {', '.join(differing)}"


def count(number: int, thing: str) -> str:
    """Return `1 row`, `2 rows`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
