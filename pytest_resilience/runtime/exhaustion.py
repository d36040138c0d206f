"""The mark on an exception that says: a retry layer below has already used up its retries on this.

Layers that do not know of each other multiply: three attempts around four are twelve. The mark is a serial
number, and counts only for an attempt that began before the mark was made, because some code raises one
exception instance again and again. The mark goes with the exception to another process, as from a pool of
them: what comes from there cannot be older than the attempt that asked for it.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from threading import Lock

from pytest_resilience.runtime.forks import renew_in_child

LATEST = [0]
"""The newest mark's number; a list, so that the drivers read it without a call."""

_MARK = "__resilience_exhausted__"
_UNMARKED = (0, 0)
_MOST = 64
"""Exceptions that are looked at of one failure: many tasks may have failed together."""
_numbers = count(1)
_lock = Lock()
renew_in_child(sys.modules[__name__], _lock=Lock)


def mark_exhausted(error: BaseException) -> None:
    """Say that this exception has been retried as often as it should be."""
    with _lock:
        number = LATEST[0] = next(_numbers)
    # An exception's own class may refuse it: a frozen dataclass does.
    BaseException.__setattr__(error, _MARK, (os.getpid(), number))


def exhausted_since(before: int, error: BaseException) -> bool:
    """Return whether the exception, or one that it was raised from or carries, was marked after mark number `before`.

    One that was raised while another was handled counts as raised from it, unless it says `from None`.
    """
    if _is_marked(error, before):
        return True
    stands_alone = error.__context__ is None and error.__cause__ is None
    if stands_alone and not isinstance(error, BaseExceptionGroup):
        return False  # most do, and this is asked at each failure
    return any(_is_marked(each, before) for each in origins(error, handled=True))


def origins(error: BaseException, *, handled: bool = False) -> list[BaseException]:
    """Return the exceptions that one carries as a group does, or was raised from, and theirs.

    Args:
        error: the exception, which is not among them.
        handled: those too that were handled when one was raised without `from`.
    """
    found = _origins(error, handled=handled)
    for each in found:
        if len(found) >= _MOST:
            break
        found += [new for new in _origins(each, handled=handled) if all(new is not one for one in found)]
    return found


def _origins(error: BaseException, *, handled: bool) -> list[BaseException]:
    cause = error.__cause__
    if cause is None and handled and not error.__suppress_context__:
        cause = error.__context__
    found = [] if cause is None else [cause]
    return [*found, *error.exceptions] if isinstance(error, BaseExceptionGroup) else found


def _is_marked(error: BaseException, before: int) -> bool:
    process, number = getattr(error, _MARK, _UNMARKED)
    return number > before or bool(number and process != os.getpid())
