"""Take over what the monitors have: python -m vitals.sync."""

import asyncio
import sys

import structlog

from vitals import alerts, logs, monitors, store
from vitals.problems import VitalsProblem

log = structlog.get_logger("vitals.sync")


async def run() -> None:
    """Read and write page by page until there is none."""
    async with monitors.client() as http:
        page = 0
        while readings := await monitors.read_page(http, page):
            await store.keep(page, readings)
            page += 1


async def main() -> int:
    """Run once; return the exit status."""
    trace = logs.set_up()
    await alerts.deliver()
    try:
        await run()
    except VitalsProblem as problem:
        log.error(
            f"the take-over stopped: {problem}; check {problem.service} by its runbook, then run it again",
            operation="sync",
            resource=problem.service,
            error_type=type(problem.__cause__ or problem).__name__,
            code=problem.status,
            attempt="last",
        )
        await alerts.page(problem, trace)
        return 1
    log.info("all pages are here", operation="sync")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
