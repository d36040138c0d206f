"""Where the tables and keys of a file of waivers stand: the TOML reader does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_HEADER = re.compile(r"\s*\[\[\s*[\"']?waiver[\"']?\s*\]\]")
_KEY = re.compile(r"\s*(?:\[\[?)?\s*[\"']?([\w.-]+)[\"']?\s*(?:=|\]|\.)")
_QUOTES = ('"""', "'''")

Place = tuple[int, int]
"""Line and column, from 1."""


@dataclass(slots=True)
class Lines:
    """The places of a text that is TOML."""

    text: str
    _headers: list[Place] = field(default_factory=list)
    _keys: list[dict[str, Place]] = field(default_factory=list)
    _top: dict[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys = self._top
        for number, line in _code_lines(self.text):
            if _HEADER.match(line):
                keys = {}
                self._headers.append((number, line.index("[") + 1))
                self._keys.append(keys)
            elif found := _KEY.match(line):
                keys = self._top if line.lstrip().startswith("[") else keys
                keys.setdefault(found[1], (number, found.start(1) + 1))

    def top(self, key: str) -> Place:
        """Return where a key or table outside the waivers stands."""
        return self._top.get(key, (1, 1))

    def entry(self, index: int, key: str | None = None) -> Place:
        """Return where a waiver stands, or a key in it."""
        if index >= len(self._headers):  # written as an array of inline tables
            return self._top.get("waiver", (1, 1))
        return self._keys[index].get(key or "", self._headers[index])


def _code_lines(text: str) -> list[tuple[int, str]]:
    """Return the lines that do not stand inside a text of several lines."""
    lines, inside = [], None
    for number, line in enumerate(text.splitlines(), start=1):
        if inside is None:
            lines.append((number, line))
        for quotes in _QUOTES:
            if inside in {None, quotes} and line.count(quotes) % 2:
                inside = None if inside else quotes
    return lines
