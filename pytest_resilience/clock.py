"""Time: the only module that reads a clock or sleeps, so that everything else can be given another one."""

from __future__ import annotations

import time as _time
from threading import TIMEOUT_MAX, Lock
from typing import Protocol


class Clock(Protocol):
    """What the runtime needs of time; all values are seconds."""

    def time(self) -> float:
        """Return the wall clock, seconds since the epoch; it may step."""

    def monotonic(self) -> float:
        """Return a clock that never goes back; only differences mean anything."""

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for so long."""

    async def sleep_async(self, seconds: float) -> None:
        """Suspend the calling task for so long."""


class SystemClock:
    """The machine's own clock.

    The functions of `time` are looked up at each call, so that whoever replaces them is obeyed.
    """

    passes = True
    """Whether this time goes on by itself, so that something can be made to happen at a given moment."""

    def time(self) -> float:
        """Return the wall clock, seconds since the epoch; it may step."""
        return _time.time()

    def monotonic(self) -> float:
        """Return a clock that never goes back; only differences mean anything."""
        return _time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for so long."""
        _time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Suspend the calling task for so long."""
        import asyncio  # 28 ms that synchronous users need not pay

        await asyncio.sleep(seconds)

    def wait(self, lock: Lock, seconds: float) -> bool:
        """Block until a lock is free and take it, or so many seconds have passed; return whether it was taken."""
        return lock.acquire(timeout=min(seconds, TIMEOUT_MAX))


SYSTEM_CLOCK = SystemClock()
"""What everything uses that is not given another clock."""
