"""What a server replied and MLflow's client left out of its errors: `Retry-After`, and that a status is a refusal.

Told not to repeat anything, urllib3 turns a reply of 429 or 503 into `MaxRetryError`, which says the status and drops
the reply. It is still there as an argument of the call that raised it, `Retry.increment(method, url, response, ...)`,
and is read from there: nothing of MLflow or urllib3 is replaced, and where it is not found our own delays apply.
A status that MLflow has no code for, such as 422, becomes `INTERNAL_ERROR`, as if the server had failed; the reply is
an argument of what raised that, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.runtime.retry_after import retry_after_of

_PASSING = {408, 409, 425, 429}
"""Refusals for now."""


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


def is_refusal(error: BaseException) -> bool:
    """Return whether the reply behind an error of MLflow's client says that the request will never do."""
    trace = error.__traceback__
    status = None
    while trace is not None:
        response = trace.tb_frame.f_locals.get("response")
        status = getattr(response, "status_code", status)
        trace = trace.tb_next
    return isinstance(status, int) and 400 <= status < 500 and status not in _PASSING


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _innermost(trace: TracebackType) -> TracebackType:
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace
