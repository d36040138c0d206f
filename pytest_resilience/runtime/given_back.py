"""Give a context variable its value back, also where code ends in another context than it began in.

So does a generator that is closed by another task, by a thread pool (as web frameworks do with dependencies that
yield) or by the garbage collector.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TypeVar

T = TypeVar("T")


def give_back(variable: ContextVar[T], token: Token[T]) -> bool:
    """Undo a `set`; return False where it was done in another context, in which case there is nothing to undo here."""
    try:
        variable.reset(token)
    except ValueError:
        return False
    return True
