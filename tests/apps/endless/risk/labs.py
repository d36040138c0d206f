"""The laboratory's interface, by httpx in a loop of its own, behind one circuit breaker."""

import logging
import os
import random
import time

import httpx
import pybreaker

log = logging.getLogger("risk.labs")

PASSING = (429, 500, 502, 503, 504)


class LabsError(Exception):
    """The laboratory has not answered; `code` is its HTTP status where there was one."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.operation = "read laboratory values"
        self.resource = "labs"


class LabsRefusedError(LabsError):
    """It has answered, and will say the same the next time."""


breaker = pybreaker.CircuitBreaker(fail_max=10_000, reset_timeout=2, exclude=[LabsRefusedError])
_http = httpx.Client(
    headers={"Authorization": f"Bearer {os.environ.get('LABS_TOKEN', '')}"},
    timeout=httpx.Timeout(0.8, connect=0.5),
)


def latest(bed: int) -> dict[str, float]:
    """Return a bed's latest values.

    Raises:
        LabsError: there are none to be had.
    """
    try:
        return _patiently(bed)
    except pybreaker.CircuitBreakerError as error:
        raise LabsError(
            "GET /beds was not sent to service labs: it failed too often, try again in 2 s"
        ) from error


def _patiently(bed: int) -> dict[str, float]:
    wait = 0.2
    while True:
        try:
            return breaker.call(_latest, bed)
        except LabsRefusedError:
            raise
        except LabsError as error:
            fields = {
                "error_type": type(error.__cause__ or error).__name__,
                "operation": error.operation,
                "resource": error.resource,
                "attempt": wait,
            }
            log.warning("labs will be asked again", extra={"fields": fields})
            time.sleep(random.uniform(0.5, 1.0) * wait)
            wait = min(2 * wait, 3.0)


def _latest(bed: int) -> dict[str, float]:
    try:
        response = _http.get(f"{os.environ['LABS_URL']}/beds/{bed}/latest")
        status = response.status_code
        if status in PASSING:
            raise LabsError(
                f"GET /beds/{bed}/latest failed at service labs: status {status}", code=str(status)
            )
        if status != 200:
            raise LabsRefusedError(
                f"GET /beds/{bed}/latest was refused by service labs: status {status}, check LABS_TOKEN",
                code=str(status),
            )
        return {name: float(value) for name, value in response.json().items()}
    except httpx.HTTPError as error:
        raise LabsError(f"GET /beds/{bed}/latest failed: service labs could not be reached") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise LabsError(f"GET /beds/{bed}/latest failed: service labs did not send values") from error
