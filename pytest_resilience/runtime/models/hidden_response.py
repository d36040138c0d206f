"""What a busy server asked MLflow's client to wait: `Retry-After`, which the client's own errors leave out.

Told not to repeat anything, urllib3 turns a reply of 429 or 503 into `MaxRetryError`, which says the status and drops
the reply. It is still there as an argument of the call that raised it, `Retry.increment(method, url, response, ...)`,
and is read from there: nothing of MLflow or urllib3 is replaced, and where it is not found our own delays apply.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.runtime.retry_after import retry_after_of


def hidden_retry_after(error: BaseException, clock: Clock = SYSTEM_CLOCK) -> float | None:
    """Return the seconds that the reply behind an error of MLflow's client asks to wait; None if it asks nothing.

    Args:
        error: what MLflow raised.
        clock: what a date is compared with.
    """
    for earlier in _chain(error):
        if type(earlier).__name__ == "MaxRetryError" and earlier.__traceback__ is not None:
            response: Any = _innermost(earlier.__traceback__).tb_frame.f_locals.get("response")
            return retry_after_of(response, clock)
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _innermost(trace: TracebackType) -> TracebackType:
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace
