"""Retry-After: how long the other side asks to wait, in seconds or as a date (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pytest_resilience.clock import Clock


def retry_after_of(error: BaseException, clock: Clock) -> float | None:
    """Return the seconds that an exception, or the HTTP response it carries, asks to wait; `None` if it does not."""
    asked = getattr(error, "retry_after", None)
    if isinstance(asked, (int, float)) and not isinstance(asked, bool):
        return max(0.0, asked) if math.isfinite(asked) else None
    headers = headers_of(error)
    value = None if headers is None else headers.get("Retry-After")
    return None if value is None else parse_retry_after(str(value), clock)


def headers_of(error: BaseException) -> Mapping[str, Any] | None:
    """Return the headers of the response that requests, httpx, urllib and others hang on their exceptions."""
    for holder in (getattr(error, "response", None), error):
        headers = getattr(holder, "headers", None)
        if hasattr(headers, "get"):
            return headers
    return None


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
