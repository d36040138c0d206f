"""Idempotency keys: one for each operation, the same in all of its attempts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pytest_resilience.runtime.given_back import give_back

KEY: ContextVar[str | None] = ContextVar("resilience_idempotency_key", default=None)
"""The key of the operation under way."""


def idempotency_key() -> str | None:
    """Return the key of the operation under way, to be sent along with its writes; `None` if it has none."""
    return KEY.get()


@contextmanager
def keyed(key: str | None) -> Iterator[None]:
    """Give the operation inside a key; without one, that of the operation around it stays."""
    if key is None:
        yield
        return
    token = KEY.set(key)
    try:
        yield
    finally:
        give_back(KEY, token)
