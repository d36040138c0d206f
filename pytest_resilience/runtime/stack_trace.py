"""Render a traceback as Python does, bounded and redacted: code stays, string literals in it are judged."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator
from types import TracebackType

from pytest_resilience.runtime.error_record import MAX_CHAIN, Messages, chain
from pytest_resilience.runtime.redaction import Redactor

MAX_FRAMES = 40
"""Frames of one traceback that are rendered: the first and the last half of so many."""

MAX_CACHED = 4_096

_LITERAL = re.compile(r"(?P<quote>\"\"\"|'''|\"|')(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)?")
_BETWEEN = {
    "cause": "\nThe above exception was the direct cause of the following exception:\n\n",
    "context": "\nDuring handling of the above exception, another exception occurred:\n\n",
}


class StackTraces:
    """Render tracebacks; each line of code is judged once and then remembered, since code does not change.

    Args:
        redactor: judges messages and the string literals of the code.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._rendered: dict[tuple[str, str, int], str] = {}

    def render(self, error: BaseException, messages: Messages) -> str:
        """Return the traceback of the error after those of its causes, as Python prints them."""
        text = self._one(error, messages)
        for how, cause in chain(error):
            text = f"{self._one(cause, messages)}{_BETWEEN[how]}{text}"
        return text

    def _one(self, error: BaseException, messages: Messages, depth: int = 0) -> str:
        text = f"{type(error).__name__}: {messages.of(error)}\n"
        if error.__traceback__ is not None:
            text = f"Traceback (most recent call last):\n{''.join(self._frames(error.__traceback__))}{text}"
        if isinstance(error, BaseExceptionGroup) and depth < MAX_CHAIN:
            members = (self._one(member, messages, depth + 1) for member in error.exceptions[:MAX_CHAIN])
            text += "".join(f"  + {line}\n" for member in members for line in member.splitlines())
        return text

    def _frames(self, trace: TracebackType | None) -> Iterator[str]:
        frames = []
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append((code.co_filename, code.co_name, trace.tb_lineno))
            trace = trace.tb_next
        if len(frames) > MAX_FRAMES:
            half, left_out = MAX_FRAMES // 2, len(frames) - MAX_FRAMES
            yield from map(self._frame, frames[:half])
            yield f"  [{left_out} frames left out]\n"
            frames = frames[-half:]
        yield from map(self._frame, frames)

    def _frame(self, key: tuple[str, str, int]) -> str:
        rendered = self._rendered.get(key)
        if rendered is None:
            if len(self._rendered) >= MAX_CACHED:
                self._rendered.clear()
            rendered = self._rendered[key] = self._render_frame(*key)
        return rendered

    def _render_frame(self, filename: str, function: str, line: int) -> str:
        place = self._redactor.text(filename, judged=False)
        code = self._code(linecache.getline(filename, line).strip())
        return f'  File "{place}", line {line}, in {function}\n' + (f"    {code}\n" if code else "")

    def _code(self, line: str) -> str:
        judged = _LITERAL.sub(
            lambda match: match["quote"] + self._redactor.text(match["text"]) + match["quote"], line
        )
        return self._redactor.text(judged, judged=False)
