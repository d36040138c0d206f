"""A guess: what it says, why it was made, what only the team knows; written as TOML with comments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Value: TypeAlias = str | Sequence[str] | Mapping[str, str]

_LINE = 100


@dataclass(slots=True)
class Guess:
    """A table of the configuration that is about to be written.

    Args:
        name: of the table, for example `services.database`; empty for the outermost.
        values: its keys, in order.
        seen: why, with `file:line`.
        todo: what could not be known.
        files: where the evidence stands, for `uses`.
    """

    name: str
    values: dict[str, Value] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)

    @property
    def short_name(self) -> str:
        """The name within its table of tables."""
        return self.name.rpartition(".")[2]

    def lines(self, prefix: str) -> list[str]:
        """Return it as TOML."""
        header = ".".join(filter(None, (prefix, self.name)))
        return [
            *(f"# {line}" for line in self.seen),
            *([f"[{header}]"] if header else []),
            *(f"{key} = {toml(value)}" for key, value in self.values.items()),
            *(f"# TODO: {line}" for line in self.todo),
        ]


def toml(value: Value) -> str:
    """Return a value as TOML writes it; what is too long for a line stands on several, where TOML allows it."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {_quoted(each)}" for key, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    line = f"[{', '.join(map(_quoted, value))}]"
    return (
        line if len(line) <= _LINE else "".join(("[\n", *(f"    {_quoted(each)},\n" for each in value), "]"))
    )


def literal(text: str) -> str:
    """Return a text that stands for itself where placeholders are filled in."""
    return text.replace("{", "{{").replace("}", "}}")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key, re.ASCII) else _quoted(key)
