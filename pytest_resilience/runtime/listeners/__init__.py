"""Listeners: where events go, one file a destination, each imported only when it is used."""

from __future__ import annotations

from functools import cache

from pytest_resilience.events import Listener


@cache
def standard_listeners() -> tuple[Listener, ...]:
    """Return what a policy tells that was given no listeners: the standard library's logging."""
    from pytest_resilience.runtime.listeners.logging import log_event  # noqa: PLC0415 - 8 ms, at a failure only

    return (log_event,)
