"""Read pages from the monitors, by httpx."""

import asyncio
import os
from typing import Any

import circuitbreaker
import httpx

from vitals.patience import patiently
from vitals.problems import Passing, VitalsProblem

WHERE = {"service": "monitors", "component": "api"}
PASSING = {429, 500, 502, 503, 504}


def client() -> httpx.AsyncClient:
    """Return the client of one run."""
    return httpx.AsyncClient(
        base_url=os.environ["MONITORS_URL"],
        headers={"X-Api-Key": os.environ.get("MONITORS_KEY", "")},
        timeout=httpx.Timeout(4.0, connect=2.0),
    )


async def read_page(http: httpx.AsyncClient, page: int) -> list[dict[str, Any]]:
    """Return one page of readings; the one after the last is empty.

    Raises:
        VitalsProblem: the monitors cannot be read.
    """
    try:
        return await _read_page(http, page)
    except circuitbreaker.CircuitBreakerError as error:
        raise VitalsProblem(
            "the monitors have failed too often and are left alone for a while", **WHERE
        ) from error


@patiently
@circuitbreaker.circuit(failure_threshold=8, recovery_timeout=8, expected_exception=Passing)
async def _read_page(http: httpx.AsyncClient, page: int) -> list[dict[str, Any]]:
    try:
        async with asyncio.timeout(6):
            response = await http.get("/readings", params={"page": page})
        status = response.status_code
        if status in PASSING:
            wanted = response.headers.get("Retry-After", "")
            raise Passing(
                f"GET /readings: status {status}",
                status=str(status),
                after=float(wanted) if wanted.isdigit() else 0.0,
                **WHERE,
            )
        if status != 200:
            raise VitalsProblem(f"GET /readings refused: status {status}", status=str(status), **WHERE)
        return list(response.json()["readings"])
    except (httpx.TransportError, TimeoutError) as error:
        raise Passing("GET /readings: no answer", **WHERE) from error
    except (ValueError, KeyError, TypeError, httpx.HTTPError) as error:
        raise Passing("GET /readings: an answer that is no page of readings", **WHERE) from error
