"""The laboratory's interface, by httpx and backoff, behind one circuit breaker."""

import os

import backoff
import httpx
import pybreaker

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


breaker = pybreaker.CircuitBreaker(fail_max=3, reset_timeout=2, exclude=[LabsRefusedError])
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
        return breaker.call(_latest, bed)
    except pybreaker.CircuitBreakerError as error:
        raise LabsError(
            "GET /beds was not sent to service labs: it failed too often, try again in 2 s"
        ) from error


@backoff.on_exception(
    backoff.constant,
    LabsError,
    interval=0.2,
    max_tries=5,
    jitter=None,
    giveup=lambda error: isinstance(error, LabsRefusedError),
)
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
