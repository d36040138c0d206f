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
_DEPTH = 8
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
    """Return whether the exception, or one that it was raised from, was marked after mark number `before`."""
    cause: BaseException | None = error
    for _ in range(_DEPTH):
        if cause is None:
            return False
        process, number = getattr(cause, _MARK, _UNMARKED)
        if number > before or (number and process != os.getpid()):
            return True
        cause = cause.__cause__
    return False
