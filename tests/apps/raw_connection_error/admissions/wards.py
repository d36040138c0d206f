"""Ask the register of wards, patiently but not for ever."""

import json
import logging
import os
import time

import pybreaker
import requests
import tenacity

from admissions.errors import WardsError, WardsTransientError
from admissions.log import about

log = logging.getLogger(__name__)

CONNECT, READ, WHOLE = 1.0, 0.8, 3.0
ATTEMPTS = 5
PASSES = {429, 500, 502, 503, 504}

breaker = pybreaker.CircuitBreaker(
    fail_max=8, reset_timeout=2, exclude=[lambda error: type(error) is WardsError]
)
_exponential = tenacity.wait_random_exponential(multiplier=0.2, max=3)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return max(_exponential(state), getattr(error, "retry_after", 0.0))


def _tell(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if error is not None:
        extra = about(error, operation="fetch wards", attempt=state.attempt_number)
        log.warning("the wards could not be fetched, they will be asked for again", extra=extra)


def fetch_wards() -> dict[str, str]:
    """Return the names of the wards by their codes.

    Raises:
        WardsError: the register could not be asked, or said no.
    """
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=_wait,
        retry=tenacity.retry_if_exception_type(WardsTransientError),
        before_sleep=_tell,
        reraise=True,
    )
    try:
        return retrying(breaker.call, _fetch_once)
    except pybreaker.CircuitBreakerError as error:
        raise WardsError(
            "GET /wards was not tried: the register has failed too often, try again later"
        ) from error


def _fetch_once() -> dict[str, str]:
    try:
        with requests.get(
            os.environ["WARDS_URL"] + "/wards",
            headers={"Authorization": f"Bearer {os.environ.get('WARDS_TOKEN', '')}"},
            timeout=(CONNECT, READ),
            stream=True,
        ) as response:
            _check(response)
            return dict(_json(response)["wards"])
    except (ValueError, KeyError, TypeError) as error:
        raise WardsTransientError("GET /wards failed: the answer is no list of wards") from error


def _check(response: requests.Response) -> None:
    status = response.status_code
    if status in PASSES:
        after = response.headers.get("Retry-After", "")
        raise WardsTransientError(
            f"GET /wards failed: status {status}",
            code=str(status),
            retry_after=float(after) if after.isdigit() else 0.0,
        )
    if status != 200:
        raise WardsError(f"GET /wards was refused: status {status}; check WARDS_TOKEN", code=str(status))


def _json(response: requests.Response) -> dict[str, dict[str, str]]:
    """Read the body within `WHOLE` seconds: a read time-out alone lets a trickle go on for ever."""
    until = time.monotonic() + WHOLE
    body = b""
    for chunk in response.iter_content(4096):
        body += chunk
        if time.monotonic() > until:
            raise requests.ReadTimeout("the body came too slowly")
    return json.loads(body)
