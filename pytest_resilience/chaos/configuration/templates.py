"""Environments and commands with placeholders, as a configuration declares them."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_resilience.chaos.configuration.placeholders import mistakes, words
from pytest_resilience.chaos.configuration.shapes import VARIABLE, Shape
from pytest_resilience.chaos.configuration.table import Table


def environment(
    table: Table, known: Sequence[str], *, key: str = "env", names: Shape = VARIABLE
) -> dict[str, str]:
    """Return the variables of a table, or what else has such names, in whose values these placeholders may stand."""
    env = table.pairs(key)
    for name, template in env.items():
        names.check(table, name, key, name)
        for mistake in mistakes(template, known):
            table.complain(f"{table.label(key)}.{name}: {mistake}", key, name)
        if "\0" in template:
            table.complain(f"{table.label(key)}.{name} has a NUL in it", key, name)
    return env


def command(table: Table, key: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a command that is a list of texts, or one text."""
    if isinstance(table.values.get(key), str):
        text = table.text(key)
        return () if text is None else command_text(table, text, known, key)
    parts = table.tuple_of_texts(key)
    if table.values.get(key) == []:
        table.complain(f"{table.label(key)} is empty: name a program", key)
    for index, part in enumerate(parts):
        _placeholders(table, part, known, key, index)
    return parts


def command_text(table: Table, text: str, known: Sequence[str], *keys: str | int) -> tuple[str, ...]:
    """Return the words of a command that is one text."""
    try:
        parts = words(text)
    except ValueError as error:
        table.complain(f"{table.label(str(keys[0]))} is no command: {error}", *keys)
        return ()
    _placeholders(table, text, known, *keys)
    return parts


def _placeholders(table: Table, text: str, known: Sequence[str], *keys: str | int) -> None:
    for mistake in mistakes(text, known):
        table.complain(f"{table.label(str(keys[0]))}: {mistake}", *keys)
