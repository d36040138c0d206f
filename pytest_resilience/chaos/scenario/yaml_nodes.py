"""A YAML document as nodes that know their place; nothing is constructed, so nothing in a file can run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from pytest_resilience.chaos.position import Complaint, Position
from pytest_resilience.chaos.scenario.core_schema import plain_value

DEEPEST = 32
"""How deep lists and mappings may be nested."""


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A text, a number, true, false or null; `text` is as written, whatever `value` became of it."""

    position: Position
    value: str | int | float | bool | None
    text: str


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    position: Position
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping; of a key that comes twice the first one counts."""

    position: Position
    entries: tuple[tuple[ScalarNode, Node], ...]

    def get(self, key: str) -> Node | None:
        """Return the value of a key; none where it is not there."""
        return next((value for known, value in self.entries if known.text == key), None)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys as written."""
        return tuple(key.text for key, _ in self.entries)


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


def shown(node: Node) -> str:
    """Return how messages show a value."""
    if isinstance(node, SequenceNode):
        return "a list"
    if isinstance(node, MappingNode):
        return "a mapping"
    text = node.text if len(node.text) <= 60 else f"{node.text[:57]}..."
    return repr(text) if text else "empty"


@dataclass(slots=True)
class Document:
    """What a file holds.

    Args:
        roots: its documents; none where it is empty.
        complaints: what is YAML, but not for scenario files: tags, anchors, keys that come twice.
        is_broken: the file ended before its end: it is no YAML.
    """

    roots: list[Node] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    is_broken: bool = False


def read_document(text: str, file: Path) -> Document:
    """Return what a text holds; what is wrong with it is among the complaints."""
    reading = _Reading(file)
    reading.run(text)
    return reading.document


class _TooDeepError(Exception):
    """Stop reading."""


class _Reading:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.document = Document()
        self._events: Iterator[Any] = iter(())

    def run(self, text: str) -> None:
        from ruamel.yaml import YAML  # noqa: PLC0415 - of the chaos extra
        from ruamel.yaml.error import MarkedYAMLError  # noqa: PLC0415

        self._events = YAML(typ="safe", pure=True).parse(text)
        try:
            self._documents()
        except _TooDeepError:
            self.document.is_broken = True
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._break(self._position(mark), _said(str(error.problem or error.context)))
        except Exception as error:  # noqa: BLE001 - the parser leaks errors of its own making
            self._break(_unmarked(error, text, self.file), f"this is no YAML: {_first_line(error)}")

    def _documents(self) -> None:
        for event in self._events:
            name = type(event).__name__
            if name == "DocumentStartEvent" and event.version not in {None, (1, 2)}:
                self._complain(event, "scenario files are YAML 1.2: take the %YAML directive out")
            if name == "DocumentStartEvent":
                self.document.roots.append(self._node(next(self._events), depth=1))

    def _node(self, event: Any, depth: int) -> Node:
        position = self._position(event.start_mark)
        name = type(event).__name__
        if name == "AliasEvent":
            self._complain(event, f"*{event.anchor} refers to an anchor: write it out, there are none here")
            return ScalarNode(position, "", "")
        self._refuse_decoration(event)
        if name == "ScalarEvent":
            return ScalarNode(position, _scalar(event), event.value)
        if depth > DEEPEST:
            self._complain(event, f"this is nested more than {DEEPEST} deep: no scenario is")
            raise _TooDeepError
        return (
            self._sequence(position, depth)
            if name == "SequenceStartEvent"
            else self._mapping(position, depth)
        )

    def _sequence(self, position: Position, depth: int) -> SequenceNode:
        items: list[Node] = []
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            items.append(self._node(event, depth + 1))
        return SequenceNode(position, tuple(items))

    def _mapping(self, position: Position, depth: int) -> MappingNode:
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        while type(event := next(self._events)).__name__ != "MappingEndEvent":
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, ScalarNode):
                self._complain(event, f"a key is a text, not {shown(key)}")
            elif event.style is None and key.text == "<<":
                self._complain(event, "<< merges mappings: write them out")
            elif key.text in entries:
                first = entries[key.text][0].position.line
                self._complain(event, f"the key {key.text!r} is there already, in line {first}")
            else:
                entries[key.text] = key, _placed(value, key.position)
        return MappingNode(position, tuple(entries.values()))

    def _refuse_decoration(self, event: Any) -> None:
        if event.anchor:
            self._complain(event, f"&{event.anchor} is an anchor: there are none in scenario files")
        if any("\ud800" <= character <= "\udfff" for character in getattr(event, "value", "")):
            self._complain(event, "this holds half a character (a surrogate): write it whole")
        if event.tag:
            self._complain(
                event, f"{event.tag} is a tag: there are none in scenario files; quotes make a text"
            )

    def _position(self, mark: Any) -> Position:
        return Position(self.file, mark.line + 1, mark.column + 1)

    def _complain(self, event: Any, message: str) -> None:
        self.document.complaints.append(Complaint(self._position(event.start_mark), message))

    def _break(self, position: Position, message: str) -> None:
        self.document.complaints.append(Complaint(position, message))
        self.document.is_broken = True


_INDENTED = (
    "this line is indented unlike its neighbours: begin the keys of one mapping, and the `-` of one list, "
    "in one column"
)
_OPEN = "a bracket that was opened before is not closed: close it, and put a comma between its items"
_PLAINLY = {
    "<block end>, but found '<block mapping start>'": _INDENTED,
    "<block end>, but found '<block sequence start>'": _INDENTED,
    "<block end>, but found '-'": _INDENTED,
    "<block end>, but found '<scalar>'": (
        "something follows a text in quotes: a text that begins with a quote goes on to the next one, "
        "and holds no more"
    ),
    "<block end>, but found '}'": "this bracket closes nothing: take it away",
    "<block end>, but found ']'": "this bracket closes nothing: take it away",
    "expected ',' or": _OPEN,
    "expected the node content, but found '<stream end>'": _OPEN,
    "mapping values are not allowed": (
        "there is no place for a `: ` here: a text that holds one needs quotes, a key begins in the column "
        "of its neighbours"
    ),
    "could not find expected ':'": "the line above is a key without its colon: write `key: value`",
    "character '\\t'": "a tab cannot indent: indent with spaces",
    "cannot start any token": "a text cannot begin with this character: put it in quotes",
}
"""What the parser says, by a part of it, as a sentence for who wrote the file."""


def _said(problem: str) -> str:
    plainly = next((said for part, said in _PLAINLY.items() if part in problem), problem)
    return f"this is no YAML: {plainly}"


def _scalar(event: Any) -> str | int | float | bool | None:
    text = str(event.value)
    return plain_value(text) if event.style is None else text


def _placed(value: Node, key: Position) -> Node:
    """The parser places what is empty at whatever comes next; it belongs to its key."""
    is_empty = isinstance(value, ScalarNode) and value.value is None and not value.text
    return ScalarNode(key, None, "") if is_empty else value


def _unmarked(error: Exception, text: str, file: Path) -> Position:
    before = text[: max(0, getattr(error, "position", 0) or 0)]
    return Position(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
