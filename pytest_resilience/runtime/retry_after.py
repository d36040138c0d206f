"""Retry-After: how long the other side asks to wait, in seconds or as a date (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import math

from pytest_resilience.clock import Clock

_LONGEST = 1e300
"""For an int that is finite and yet no float."""


def retry_after_of(error: BaseException, clock: Clock) -> float | None:
    """Return the seconds that an exception, or the HTTP response it carries, asks to wait; `None` if it does not.

    requests and httpx hang the response on their exceptions, urllib the headers themselves.
    """
    asked = getattr(error, "retry_after", None)
    if isinstance(asked, (int, float)) and not isinstance(asked, bool):
        return max(0.0, min(asked, _LONGEST)) if abs(asked) < math.inf else None
    headers = getattr(getattr(error, "response", error), "headers", None)
    get = getattr(headers, "get", None)
    value = None if get is None else get("Retry-After")
    return None if value is None else parse_retry_after(str(value), clock)


def parse_retry_after(value: str, clock: Clock) -> float | None:
    """Return the seconds that a header's value means from now; `None` if it means nothing."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - 10 ms, for the rare date only

    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, at.timestamp() - clock.time())
