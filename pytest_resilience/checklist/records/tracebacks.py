"""Find Python tracebacks in what a process wrote, and tell those that nobody caught from those that were logged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_resilience.chaos.expectations.log_levels import parse_line

_HEAD = "Traceback (most recent call last):"
_JOINTS = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
_UNRAISED = ("Exception in thread", "Task exception was never retrieved", "Exception ignored in")
_MARGIN = re.compile(r"^[\s|+-]*")
_CLASS = re.compile(r"([A-Za-z_][\w.]*)(?::|$)")
_LEVEL = re.compile(r"\b(CRITICAL|FATAL|ERROR|EXCEPTION|WARNING|WARN|INFO|DEBUG)\b", re.IGNORECASE)
_STATEMENT, _STATEMENT_ENDS = "[SQL:", ("[parameters:", "(Background on")
LONGEST_STATEMENT = 300
"""Lines of a statement in a message, at most."""
_TOP = ("in <module>", "<frozen runpy>", "_bootstrap_inner")


@dataclass(frozen=True, slots=True)
class Traceback:
    """One traceback with all that are joined to it.

    Args:
        classes: the exceptions' classes with their modules, the outermost (last printed) first.
        last_line: the outermost exception's own line.
        before: the line before it, which names it where it was logged.
        from_top: whether its frames begin where the program begins.
        at_end: whether nothing was written after it.
    """

    classes: tuple[str, ...]
    last_line: str
    before: str
    from_top: bool
    at_end: bool

    @property
    def in_thread(self) -> bool:
        """Whether it ended a thread or a task behind the program's back."""
        return self.before.strip().startswith(_UNRAISED)

    @property
    def uncaught(self) -> bool:
        """Whether it ended the program, a thread or a task, rather than being logged.

        One that begins at the program's top is taken for uncaught even after a line of a log: whoever logs and
        raises writes the same as whoever logs at the top, and a log of records has its tracebacks inside them.
        """
        if self.in_thread:
            return True
        logged = parse_line(self.before) is not None or _LEVEL.search(self.before) is not None
        return self.at_end and (self.from_top or not logged)


def tracebacks(text: str) -> list[Traceback]:
    """Return the tracebacks in a text, in order."""
    lines = text.splitlines()
    return [_read(lines, start, end) for start, end in _blocks(lines)]


def is_bare(text: str) -> bool:
    """Tell whether a text holds a traceback."""
    return _HEAD in text


def _blocks(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield where each chain of tracebacks begins and ends (after its last line)."""
    position = 0
    while position < len(lines):
        if not _is_head(lines[position]):
            position += 1
            continue
        start = position
        position = _end_of_one(lines, position)
        while (joined := _joined(lines, position)) is not None:
            position = _end_of_one(lines, joined)
        yield start, position


def _is_head(line: str) -> bool:
    return _MARGIN.sub("", line).startswith((_HEAD, f"Exception Group {_HEAD}"))


def _end_of_one(lines: list[str], head: int) -> int:
    """Return the line after a traceback's own exception: the first that is not indented under it."""
    indent = len(lines[head]) - len(_MARGIN.sub("", lines[head]))
    position = head + 1
    while position < len(lines):
        line = lines[position]
        rest = _MARGIN.sub("", line)
        if rest and len(line) - len(rest) <= indent:
            return _past_text(lines, position + 1)
        position += 1
    return position


def _past_text(lines: list[str], position: int) -> int:
    """Skip what an exception's message goes on with: PostgreSQL's LINE, DETAIL and HINT, libpq's indented advice."""
    goes_on = (
        "LINE ",
        "DETAIL:",
        "HINT:",
        "CONTEXT:",
        "[SQL:",
        "[parameters:",
        "(Background on",
        "^",
        "+-",
        "|",
    )
    while position < len(lines):
        if lines[position].startswith(_STATEMENT):
            position = _past_statement(lines, position)
        elif lines[position].strip().startswith(goes_on) or _is_indented(lines[position]):
            position += 1
        elif not lines[position].strip() and "".join(lines[position + 1 : position + 2]).startswith(
            _STATEMENT
        ):
            position += 1  # PostgreSQL's own text has ended with a newline
        else:
            break
    return position


def _past_statement(lines: list[str], position: int) -> int:
    """Skip a statement as SQLAlchemy shows it, whose lines may begin with anything: to what always ends it."""
    for end, line in enumerate(lines[position : position + LONGEST_STATEMENT], position):
        if line.startswith(_STATEMENT_ENDS):
            return end + 1
    return position + 1


def _is_indented(line: str) -> bool:
    return line[:1].isspace() and bool(line.strip())


def _joined(lines: list[str], position: int) -> int | None:
    """Return where the traceback begins that this one led to."""
    rest = [(at, _MARGIN.sub("", line)) for at, line in enumerate(lines[position : position + 6], position)]
    rest = [(at, line) for at, line in rest if line]
    if len(rest) >= 2 and rest[0][1].startswith(_JOINTS) and _is_head(lines[rest[1][0]]):
        return rest[1][0]
    return None


def _read(lines: list[str], start: int, end: int) -> Traceback:
    block = lines[start:end]
    heads = [at for at, line in enumerate(block) if _is_head(line)]
    lasts = [_exception_line(block, head) for head in heads]
    before = next((line for line in reversed(lines[:start]) if line.strip()), "")
    frames = block[heads[-1] + 1 : heads[-1] + 2]
    return Traceback(
        classes=tuple(_class(line) for line in reversed(lasts)),
        last_line=lasts[-1],
        before=before,
        from_top=any(mark in line for line in frames for mark in _TOP),
        at_end=not any(line.strip() for line in lines[end:]),
    )


def _exception_line(block: list[str], head: int) -> str:
    indent = len(block[head]) - len(_MARGIN.sub("", block[head]))
    for line in block[head + 1 :]:
        rest = _MARGIN.sub("", line)
        if rest and len(line) - len(rest) <= indent:
            return rest
    return ""


def _class(line: str) -> str:
    found = _CLASS.match(line)
    return found[1] if found else line
