"""Cancel the running asyncio task when its deadline is over, and say so if it goes on nevertheless."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from pytest_resilience.runtime.interruption import GRACE


class TaskTimer:
    """The time of a stretch of code in one task.

    Args:
        seconds: how long from now.
        abandoned: called with the task's name if the code did not heed its cancellation within `GRACE`.
    """

    def __init__(self, seconds: float, abandoned: Callable[[str], None]) -> None:
        import asyncio

        self._timeout = asyncio.timeout(seconds)
        self._task = asyncio.current_task()
        self._report = asyncio.get_running_loop().call_later(seconds + GRACE, self._tell, abandoned)

    async def start(self) -> Self:
        """Begin."""
        await self._timeout.__aenter__()
        return self

    async def stop(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """End, given what the code raised; return whether the time was over and the code raised nothing else."""
        self._report.cancel()
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:  # asyncio's word for: this cancellation was mine
            return True
        return error is None and self._timeout.expired()

    def _tell(self, abandoned: Callable[[str], None]) -> None:
        abandoned(self._task.get_name() if self._task else "task")
