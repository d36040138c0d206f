"""The pharmacy's interface, by httpx."""

import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import circuitbreaker
import httpx

from dispatch.faults import DispatchError, PassingError, patient

PASSING = {429, 500, 502, 503, 504}
WHOLE = 3.0


class Pharmacy:
    """A client for one run."""

    def __init__(self) -> None:
        self._http = httpx.Client(
            base_url=os.environ["PHARMACY_URL"],
            headers={"Authorization": f"Bearer {os.environ.get('PHARMACY_SECRET', '')}"},
            timeout=httpx.Timeout(0.9, connect=1.0),
        )
        breaker = circuitbreaker.CircuitBreaker(
            failure_threshold=8, recovery_timeout=3, expected_exception=PassingError, name="pharmacy"
        )
        self._guarded = breaker(self._once)

    @patient
    def open_orders(self) -> list[dict[str, Any]]:
        """Return all open orders."""
        answer = self._ask("GET", "/orders", action="GET /orders")
        try:
            return list(answer["orders"])
        except (KeyError, TypeError) as error:
            raise PassingError("pharmacy", "GET /orders", None) from error

    @patient
    def acknowledge(self, order: int) -> None:
        """Say that an order is taken; the key makes it one acknowledgement however often it is said."""
        self._ask(
            "POST",
            f"/orders/{order}/acknowledgement",
            action="POST /orders/acknowledgement",
            headers={"Idempotency-Key": f"dispatch-{order}-{uuid.uuid4()}"},
        )

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def _ask(self, method: str, path: str, *, action: str, **more: Any) -> Any:
        try:
            return self._guarded(method, path, action=action, **more)
        except circuitbreaker.CircuitBreakerError as error:
            raise DispatchError("pharmacy", f"{action} (refused, the breaker is open)", None) from error

    def _once(self, method: str, path: str, *, action: str, **more: Any) -> Any:
        until = time.monotonic() + WHOLE
        try:
            with self._http.stream(method, path, **more) as response:
                body = b"".join(_chunks(response, until))
                _check(response, action)
                return json.loads(body)
        except (httpx.TransportError, httpx.StreamError) as error:
            raise PassingError("pharmacy", action, None) from error
        except (ValueError, httpx.HTTPError) as error:
            raise PassingError("pharmacy", f"{action} (not JSON)", None) from error


def _chunks(response: httpx.Response, until: float) -> Iterator[bytes]:
    """Read the body, which may come slowly but not for ever."""
    for chunk in response.iter_bytes():
        if time.monotonic() > until:
            raise httpx.ReadTimeout("the body came too slowly")
        yield chunk


def _check(response: httpx.Response, action: str) -> None:
    status = response.status_code
    if status in PASSING:
        error = PassingError("pharmacy", action, str(status))
        wanted = response.headers.get("Retry-After", "")
        error.after = float(wanted) if wanted.isdigit() else 0.0
        raise error
    if status != 200:
        raise DispatchError("pharmacy", action, str(status))
