"""Take out the value that follows the name of a sensitive field in text: `password=...`, `'ssn': '...'`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pytest_resilience.runtime.redaction.keys import TO_THE_END_OF_THE_LINE, kind_of_phrase
from pytest_resilience.runtime.redaction.rule import mark

MAX_NAME = 48
"""Characters before a separator in which the name is looked for."""

_SEPARATOR = re.compile(r"[:=]>?\s{0,32}+(?!\[redacted|//)")
_ENDS = str.maketrans(dict.fromkeys(",;:=&|?/()[]{}<>\"'", "\n"))
"""What a name does not reach across."""

QUOTED = (
    r"\"(?:[^\"\\\n]|\\.|\"\")*+\"?|'(?:[^'\\\n]|\\.|'')*+'?"
    r"|(?P<escape>\\{1,32})(?P<quote>[\"'])(?:(?!(?<!\\)(?P=escape)(?P=quote))[^\n])*+(?:(?P=escape)(?P=quote))?"
)
"""A text in quotes, also one that a quoted text holds: JSON in JSON."""

_VALUES = {
    "secret": re.compile(rf"{QUOTED}|[^\s,;&)\]}}\"']+", re.MULTILINE),
    "identifier": re.compile(rf"{QUOTED}|[\[({{][^\n]*|[^,;|&)\]}}\n\"']+", re.MULTILINE),
    "personal": re.compile(rf"{QUOTED}|[\[({{][^\n]*|[^,;|&)\]}}\n\"']+", re.MULTILINE),
    "data": re.compile(rf"{QUOTED}|[^\n]+", re.MULTILINE),
}
_LINES = re.compile(rf"(?:{'|'.join(TO_THE_END_OF_THE_LINE)})[\w\"' ]{{0,3}}\Z", re.IGNORECASE)
_LINE = re.compile(rf"{QUOTED}|[^\r\n\"']+")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Look at each name before `=`, `:` or `=>`.

    Args:
        kind_of: says of the words before a separator why the value does not pass, or None.
    """

    kind_of: Callable[[str], str | None] = kind_of_phrase
    name: str = "field"
    when: frozenset[str] = frozenset(":=")
    certain: bool = True

    def apply(self, text: str) -> str:
        """Return the text without the values of sensitive fields."""
        parts, done = [], 0
        for separator in _SEPARATOR.finditer(text):
            if separator.start() < done or (kind := self._kind(text, separator.start())) is None:
                continue
            line = kind == "secret" and _LINES.search(
                text, max(0, separator.start() - MAX_NAME), separator.start()
            )
            if value := (_LINE if line else _VALUES.get(kind, _LINE)).match(text, separator.end()):
                parts += [text[done : separator.end()], mark(kind)]
                done = value.end()
        return "".join((*parts, text[done:])) if parts else text

    def _kind(self, text: str, end: int) -> str | None:
        before = text[max(0, end - MAX_NAME) : end].rstrip(" \"'")
        phrase = before.translate(_ENDS).rpartition("\n")[2]
        return self.kind_of(phrase) if phrase != "redacted" else None
