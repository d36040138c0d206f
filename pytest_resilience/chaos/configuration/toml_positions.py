"""Where each key of a TOML text stands; the standard library's reader gives values alone."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys from the top of the document; an element of an array is its index, from 0."""

Place: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""

_BLANK = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_SPACES = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'", re.DOTALL
)


def key_positions(text: str) -> dict[KeyPath, Place]:
    """Return where each key, and each element of an array, is written first.

    Args:
        text: a document that `tomllib` accepts; what it refuses has no positions.
    """
    text = text.replace("\r\n", "\n")
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    scanner = _Scanner(text)
    scanner.document()
    lines = {path: (bisect_right(starts, offset), offset) for path, offset in scanner.offsets.items()}
    return {path: (line, offset - starts[line - 1] + 1) for path, (line, offset) in lines.items()}


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.offsets: dict[KeyPath, int] = {}
        self.last: dict[KeyPath, int] = {}  # arrays of tables: the index of their newest table

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip(_BLANK) and self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        names = self._dotted_key()
        self.at += brackets
        path: KeyPath = ()
        for name, offset in names[:-1]:
            path = self._newest(self._note((*path, name), offset))
        name, offset = names[-1]
        path = self._note((*path, name), offset)
        if brackets == 1:
            return path
        self.last[path] = self.last.get(path, -1) + 1
        return self._note(self._newest(path), offset)

    def _newest(self, path: KeyPath) -> KeyPath:
        return (*path, self.last[path]) if path in self.last else path

    def _pair(self, table: KeyPath) -> None:
        path = table
        for name, offset in self._dotted_key():
            path = self._note((*path, name), offset)
        self.at += 1  # the equals sign
        self._skip(_SPACES)
        self._value(path)

    def _dotted_key(self) -> list[tuple[str, int]]:
        names = []
        while self._skip(_SPACES):
            offset = self.at
            names.append((self._key(), offset))
            self._skip(_SPACES)
            if self.text[self.at] != ".":
                break
            self.at += 1
        return names

    def _key(self) -> str:
        if self.text[self.at] in "\"'":
            written = self._take(_STRING)
            return str(tomllib.loads(f"key = {written}")["key"])
        return self._take(_BARE_KEY)

    def _value(self, path: KeyPath) -> None:
        first = self.text[self.at]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._take(_STRING if first in "\"'" else _PLAIN_VALUE)

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self._skip(_BLANK) and self.text[self.at] != "]":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._value(self._note((*path, index), self.at))
            index += 1
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self._skip(_BLANK) and self.text[self.at] != "}":
            if self.text[self.at] == ",":
                self.at += 1
            else:
                self._pair(path)
        self.at += 1

    def _note(self, path: KeyPath, offset: int) -> KeyPath:
        self.offsets.setdefault(path, offset)
        return path

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Go past what may be there, and be true: for loops."""
        self._take(pattern)
        return True

    def _take(self, pattern: re.Pattern[str]) -> str:
        matched = pattern.match(self.text, self.at)
        if matched is None:
            raise ValueError(f"no {pattern.pattern!r} at offset {self.at}: is this TOML?")
        self.at = matched.end()
        return matched[0]
