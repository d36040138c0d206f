"""The tables of a configuration file: values come out checked, and what is wrong is noted with its place."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pytest_resilience.chaos.configuration.toml_positions import KeyPath, Place
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.position import Complaint, Position
from pytest_resilience.chaos.units import seconds

Choice = TypeVar("Choice", bound=str)

_TYPES: Mapping[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class Complaints:
    """What is wrong in one file.

    Args:
        file: where it stands.
        places: of its keys.
        found: so far, in the order found.
    """

    file: Path
    places: Mapping[KeyPath, Place] = field(default_factory=dict)
    found: list[Complaint] = field(default_factory=list)

    def add(self, path: KeyPath, message: str) -> None:
        """Note it at a key, or at the nearest table around it that is written down."""
        while path and path not in self.places:
            path = path[:-1]
        self.found.append(Complaint(Position(self.file, *self.places.get(path, (1, 1))), message))

    def in_order(self) -> list[Complaint]:
        """Return them in the order of the file."""
        return sorted(self.found, key=lambda complaint: (complaint.position.line, complaint.position.column))


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the file.

    A value that is wrong is complained of and read as if it were not there, so that one mistake is told once.

    Args:
        values: what `tomllib` read.
        path: where it stands in the document.
        complaints: where what is wrong is noted.
        name: what messages call it; empty for the outermost.
    """

    values: Mapping[str, Any]
    path: KeyPath
    complaints: Complaints
    name: str = ""

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def complain(self, message: str, *keys: str | int) -> None:
        """Note that something is wrong with this table, or with what these keys lead to."""
        self.complaints.add((*self.path, *keys), message)

    def label(self, key: str) -> str:
        """Return what messages call a key."""
        return f"{self.name}.{key}" if self.name else key

    def only(self, known: Collection[str]) -> None:
        """Refuse every other key."""
        for key in self.values:
            if key not in known:
                self.complain(f"{self.label(key)} is unknown: {nearest(key, known)}", key)

    def useless(self, key: str, reason: str) -> None:
        """Refuse a key that is known and means nothing here."""
        if key in self:
            self.complain(f"{self.label(key)} means nothing here: {reason}", key)

    def text(self, key: str) -> str | None:
        """Return a text that is not blank."""
        value = self.written(key)
        if value is not None and (not value.strip() or "\0" in value):
            self.complain(
                f"{self.label(key)} is blank, or has a NUL in it: write a text, or leave it out", key
            )
            return None
        return value

    def written(self, key: str) -> str | None:
        """Return a text as it is, blank or not."""
        value: str | None = self._typed(key, str)
        return value

    def needed(self, key: str, example: str) -> str | None:
        """Return a text that has to be there."""
        if key not in self:
            self.complain(f"{self.name} has no {key}: add `{key} = {example}`")
        return self.text(key)

    def choice(self, key: str, choices: Collection[Choice], default: Choice) -> Choice:
        """Return one of a few texts."""
        value = self._typed(key, str)
        for choice in choices:
            if value == choice:
                return choice
        if value is not None:
            self.complain(f"{self.label(key)} is {value!r}: {nearest(value, choices)}", key)
        return default

    def flag(self, key: str) -> bool:
        """Return true or false; false where it is not given."""
        return bool(self._typed(key, bool))

    def count(self, key: str, default: int = 1) -> int:
        """Return a whole number, at least 1."""
        value = self._typed(key, int)
        if value is not None and value < 1:
            self.complain(f"{self.label(key)} is {value}: at least 1", key)
            value = None
        return default if value is None else int(value)

    def factor(self, key: str, default: float) -> float:
        """Return a number above 0."""
        value = self._typed(key, float)
        if value is not None and not 0 < value < math.inf:
            self.complain(f"{self.label(key)} is {value}: a number above 0", key)
            value = None
        return default if value is None else float(value)

    def duration(self, key: str, default: float | None, *, zero: bool = False) -> float | None:
        """Return seconds; above 0, unless `zero` is allowed."""
        if key not in self:
            return default
        try:
            value = seconds(self.values[key], name=self.label(key))
        except ValueError as error:
            self.complain(str(error), key)
            return default
        if math.isfinite(value) and (value > 0 or zero):
            return value
        self.complain(f"{self.label(key)} is {self.values[key]!r}: a time above 0 that ends", key)
        return default

    def texts(self, key: str) -> Iterator[tuple[int, str]]:
        """Give each text of a list, with its index."""
        for index, value in enumerate(self._typed(key, list) or ()):
            if not isinstance(value, str):
                self.complain(
                    f"{self.label(key)} holds {_described(value)}: each has to be a text", key, index
                )
            elif not value.strip() or "\0" in value:
                self.complain(f"{self.label(key)} holds a text that is blank, or has a NUL in it", key, index)
            else:
                yield index, value

    def tuple_of_texts(self, key: str) -> tuple[str, ...]:
        """Return the texts of a list."""
        return tuple(value for _, value in self.texts(key))

    def pairs(self, key: str) -> dict[str, str]:
        """Return a table of texts."""
        table = self.table(key)
        written = ((name, table.written(name)) for name in table.values)
        return {name: value for name, value in written if value is not None}

    def table(self, key: str) -> Table:
        """Return a table; an empty one where there is none."""
        value = self._typed(key, dict)
        return Table(value or {}, (*self.path, key), self.complaints, self.label(key))

    def tables(self, key: str) -> Iterator[Table]:
        """Give each table of an array of tables."""
        for index, value in enumerate(self._typed(key, list) or ()):
            if isinstance(value, dict):
                yield Table(value, (*self.path, key, index), self.complaints, f"{self.label(key)}[{index}]")
            else:
                self.complain(
                    f"{self.label(key)} holds {_described(value)}: each has to be a table", key, index
                )

    def _typed(self, key: str, wanted: type) -> Any:
        """Return the value if it is of that type; a whole number is a number, and true is no number."""
        value = self.values.get(key)
        accepted = (int, float) if wanted is float else wanted
        if value is None or (isinstance(value, accepted) and (wanted is bool) == isinstance(value, bool)):
            return value
        self.complain(f"{self.label(key)} is {_described(value)}: it has to be {_TYPES[wanted]}", key)
        return None


def _described(value: object) -> str:
    """Say what kind of value it is, and not the value: it may be a password in the wrong place."""
    return next((words for kind, words in _TYPES.items() if type(value) is kind), "a date or a time")
