"""Ask the laboratory's service for the latest values of a patient, through retry and breaker.

The service is read only, so a question may be asked again. While it is away the caller is told quickly, with a
reference; nobody waits for what cannot come.
"""

from __future__ import annotations

import json
import logging
import os
import urllib.error
import urllib.request
from functools import cache
from typing import Any
from uuid import uuid4

from icu_platform.process import start_process
from pytest_resilience import (
    CircuitBreaker,
    CircuitBreakerOpenError,
    FatalError,
    ResilienceError,
    Retry,
    RetryableError,
    StructuredErrorLogger,
)
from pytest_resilience.runtime.backoff import ExponentialBackoff
from pytest_resilience.runtime.classify import translated_errors

BED = "icu-7"
TIMEOUT = 1.0
_log = logging.getLogger("icu_platform.labs")


class LabsUnavailableError(FatalError):
    """Say that the laboratory's service gave no values."""


def latest_values() -> dict[str, Any]:
    """Return the latest laboratory values of a bed.

    Raises:
        LabsUnavailableError: there are none to be had now; the message says what to do.
    """
    start_process()
    errors = _errors()  # alerts that an earlier process could not deliver go out from its beginning on
    reference = uuid4().hex[:12]
    try:
        values: dict[str, Any] = _retry().call(_breaker().call, _ask, BED)
    except ResilienceError as error:
        told = LabsUnavailableError(
            f"The laboratory's service gave no values for bed {BED}: {error}. Use the values on the chart, and see "
            f"runbooks/labs.md (reference {reference})."
        )
        _report(errors, told, error, reference)
        raise told from error
    _log.info("values received", extra={"operation": "latest_values", "resource": "labs"})
    return values


def _ask(bed: str) -> Any:
    request = urllib.request.Request(f"{os.environ['LABS_URL']}/beds/{bed}/latest")  # noqa: S310 - declared
    with (
        translated_errors(f"asking the laboratory's service for bed {bed}"),
        urllib.request.urlopen(request, timeout=TIMEOUT) as reply,  # noqa: S310 - declared
    ):
        text = reply.read()
    try:
        return json.loads(text)
    except ValueError as error:
        raise RetryableError(f"The laboratory's service answered bed {bed} with what is no JSON.") from error


def _report(
    errors: StructuredErrorLogger, told: LabsUnavailableError, error: ResilienceError, reference: str
) -> None:
    """Log every refusal, and wake somebody when the service was found to be gone, not for each who asks then."""
    context = {
        "operation": "latest_values",
        "resource": "labs",
        "component": "api",
        "attempt": "last",
        "correlation_id": reference,
    }
    severity = "LOW" if isinstance(error, CircuitBreakerOpenError) else "HIGH"
    errors.log_error(told, context, severity)


@cache
def _errors() -> StructuredErrorLogger:
    return StructuredErrorLogger("icu_platform.errors")


@cache
def _retry() -> Retry:
    return Retry(
        max_retries=3, backoff=ExponentialBackoff(0.2, 5.0), operation="asking the laboratory's service"
    )


@cache
def _breaker() -> CircuitBreaker:
    return CircuitBreaker(5, 5.0, RetryableError, name="labs")
