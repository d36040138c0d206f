"""Take the monitors' readings out again: python -m vitals.undo."""

import asyncio
import sys

import structlog

from vitals import logs, store
from vitals.problems import VitalsProblem

log = structlog.get_logger("vitals.undo")


async def main() -> int:
    """Undo; return the exit status."""
    logs.set_up()
    try:
        await store.forget()
    except VitalsProblem as problem:
        log.error(
            f"nothing was undone: {problem}; run it again", operation="undo", resource="store", attempt="last"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
