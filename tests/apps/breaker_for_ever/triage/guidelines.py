"""Look guidelines up, by aiohttp: retried with growing waits, behind a breaker of its own."""

import asyncio
import os
import random

import aiohttp
import structlog

log = structlog.get_logger("triage.guidelines")

ATTEMPTS, BASE, CAP = 4, 0.3, 4.0
PASSING = {429, 500, 502, 503, 504}
FAILURES = 8


class GuidelinesError(Exception):
    """No guideline is to be had; `status` is the HTTP status, where there was one."""

    def __init__(
        self, message: str, *, status: int | None = None, passes: bool = True, after: float = 0.0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.passes = passes
        self.after = after


class Breaker:
    """Refuse after `FAILURES` failures in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def admit(self) -> None:
        """Let a request through, or raise."""
        if self._failures < FAILURES:
            return
        raise GuidelinesError("GET /levels was not sent to guidelines, its breaker is open", passes=False)

    def count(self, *, failed: bool) -> None:
        """Note how a request ended."""
        self._failures = self._failures + 1 if failed else 0


class Guidelines:
    """The client of this process."""

    def __init__(self) -> None:
        self._breaker = Breaker()
        self._http = aiohttp.ClientSession(
            headers={"X-Api-Key": os.environ.get("GUIDELINES_KEY", "")},
            timeout=aiohttp.ClientTimeout(total=2.0),
            middlewares=(),
        )
        self._http._retry_connection = False

    async def advice(self, level: str) -> str:
        """Return what is to be done at a level.

        Raises:
            GuidelinesError: nobody knows now.
        """
        for attempt in range(1, ATTEMPTS + 1):
            self._breaker.admit()
            try:
                found = await self._once(level)
            except GuidelinesError as error:
                self._breaker.count(failed=error.passes)
                if attempt == ATTEMPTS or not error.passes:
                    raise
                wait = max(error.after, random.uniform(0.5, 1.0) * min(CAP, BASE * 2 ** (attempt - 1)))
                log.warning("no guideline yet", attempt=attempt, wait=round(wait, 3), **facts(error))
                await asyncio.sleep(wait)
            else:
                self._breaker.count(failed=False)
                return found
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _once(self, level: str) -> str:
        try:
            async with self._http.get(f"{os.environ['GUIDELINES_URL']}/levels/{level}") as response:
                status = response.status
                if status in PASSING:
                    wanted = response.headers.get("Retry-After", "")
                    after = float(wanted) if wanted.isdigit() else 0.0
                    raise GuidelinesError(
                        f"GET /levels: guidelines said status {status}", status=status, after=after
                    )
                if status != 200:
                    refused = f"GET /levels: guidelines refused with status {status}"
                    raise GuidelinesError(refused, status=status, passes=False)
                return str((await response.json())["advice"])
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            raise GuidelinesError("GET /levels failed: guidelines could not be reached") from error
        except (aiohttp.ClientError, ValueError, KeyError, TypeError) as error:
            raise GuidelinesError("GET /levels failed: guidelines sent something else") from error


def facts(error: GuidelinesError) -> dict[str, object]:
    """Return what a log record says of an error."""
    kind = type(error.__cause__ or error).__name__
    return {"operation": "advice", "resource": "guidelines", "error_type": kind, "code": error.status}
