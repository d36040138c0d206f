"""Describe an exception as plain, redacted data: its chain of causes, its group, its codes, its fingerprint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from pytest_resilience.runtime.notes import notes_of
from pytest_resilience.runtime.redaction import Redactor

MAX_CHAIN = 10
"""Causes, and members of a group, that are described; more are counted."""

_CODES = ("sqlstate", "pgcode", "errno", "status_code", "error_code", "returncode")
_VARIABLE = re.compile(r"0x[0-9a-f]+|\d+|(?<![\w-])[0-9a-f-]{32,36}(?![\w-])")


class Messages:
    """Each exception's own words, redacted, and redacted once; whatever its `__str__` does.

    Args:
        redactor: takes patient data and secrets out.
    """

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self._known: dict[int, str] = {}

    def of(self, error: object) -> str:
        """Return the words of this one, which must live as long as this object."""
        known = self._known.get(id(error))
        if known is None:
            known = self._known[id(error)] = self._read(error)
        return known

    def _read(self, error: object) -> str:
        try:
            return self.redactor.text(str(error))
        except Exception as failure:  # noqa: BLE001 - an exception's own __str__ is foreign code
            return f"<unprintable: str() raised {type(failure).__name__}>"


def describe(error: BaseException, messages: Messages) -> dict[str, Any]:
    """Return type, message and, where there are any, codes, notes, causes and the members of its group."""
    facts = _one(error, messages)
    if causes := [{"relation": how, **_one(cause, messages)} for how, cause in chain(error)]:
        facts["causes"] = causes
    return facts


def chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """Yield what led to the error, the nearest first: how it is related, and the exception."""
    seen = {id(error)}
    for _ in range(MAX_CHAIN):
        how = "cause" if error.__cause__ is not None else "context"
        nearest = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if nearest is None or id(nearest) in seen:
            return
        seen.add(id(nearest))
        yield how, nearest
        error = nearest


def fingerprint(error: BaseException, message: str) -> str:
    """Return an id of this kind of error: the same for the same type, place and words, whatever the numbers.

    Args:
        error: what was raised.
        message: its redacted message, so that no data takes part.
    """
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = trace.tb_frame.f_code.co_qualname, trace.tb_next
    return digest(type(error).__qualname__, place, message)


def digest(*parts: str) -> str:
    """Return an id of these texts, in which numbers do not count."""
    text = _VARIABLE.sub("#", "\0".join(parts))
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def _one(error: BaseException, messages: Messages, depth: int = 0) -> dict[str, Any]:
    facts: dict[str, Any] = {"error_type": type(error).__name__, "error_message": messages.of(error)}
    if codes := dict(_codes(error, messages.redactor)):
        facts["codes"] = codes
    if notes := notes_of(error):
        facts["notes"] = messages.redactor.value(notes[:MAX_CHAIN])
    if isinstance(error, BaseExceptionGroup) and depth < MAX_CHAIN:
        members = error.exceptions
        facts["exceptions"] = [_one(member, messages, depth + 1) for member in members[:MAX_CHAIN]]
        facts["exceptions_count"] = len(members)
    return facts


def _codes(error: BaseException, redactor: Redactor) -> Iterator[tuple[str, Any]]:
    for name in _CODES:
        try:
            value = getattr(error, name, None)
        except Exception:  # noqa: BLE001, S112 - a foreign property that raises has no code to tell
            continue
        if isinstance(value, int) or (isinstance(value, str) and value.isalnum() and len(value) <= 40):
            yield name, redactor.value(value)
