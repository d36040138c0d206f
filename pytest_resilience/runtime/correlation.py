"""Tie the records of one operation together: a name, an id and its parent's id, carried by the context."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from pytest_resilience.runtime.given_back import give_back


@dataclass(frozen=True, slots=True)
class Operation:
    """What is going on in this context.

    Args:
        name: what it is, such as `ingest_icustays`.
        correlation_id: the same on all its records.
        parent_id: the correlation id of the operation that it is a part of, if any.
    """

    name: str
    correlation_id: str
    parent_id: str | None = None


_CURRENT: ContextVar[Operation | None] = ContextVar("pytest_resilience_operation", default=None)


def current_operation() -> Operation | None:
    """Return the operation of this thread or task, or None outside of any."""
    return _CURRENT.get()


@contextmanager
def operation(name: str, *, correlation_id: str | None = None) -> Iterator[Operation]:
    """Name what goes on inside the `with` block; tasks that are started in it belong to it.

    Args:
        name: what it is.
        correlation_id: an id that came from outside, such as a request's; default: a new one.
    """
    outer = _CURRENT.get()
    inner = Operation(name, correlation_id or new_id(), outer.correlation_id if outer else None)
    token = _CURRENT.set(inner)
    try:
        yield inner
    finally:
        give_back(_CURRENT, token)


def new_id() -> str:
    """Return a new correlation id."""
    return os.urandom(16).hex()
