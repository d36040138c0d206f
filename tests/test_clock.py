"""Time: looked up at each call, and replaceable."""

from __future__ import annotations

import asyncio
import threading
import time

from pytest_resilience.clock import SYSTEM_CLOCK


def test_the_system_clock_is_the_machines(monkeypatch):
    """It reads `time` at each call, so that whoever replaces its functions is obeyed."""
    slept = []
    monkeypatch.setattr(time, "time", lambda: 1.0)
    monkeypatch.setattr(time, "monotonic", lambda: 2.0)
    monkeypatch.setattr(time, "sleep", slept.append)
    SYSTEM_CLOCK.sleep(3.0)

    assert (SYSTEM_CLOCK.time(), SYSTEM_CLOCK.monotonic(), slept) == (1.0, 2.0, [3.0])


def test_an_async_sleep_lets_others_run():
    """It suspends the task, not the thread."""

    async def main():
        order = []

        async def other():
            order.append("other")

        task = asyncio.create_task(other())
        await SYSTEM_CLOCK.sleep_async(0.001)
        order.append("me")
        await task
        return order

    assert asyncio.run(main()) == ["other", "me"]


def test_waiting_for_a_lock_says_whether_it_was_taken():
    """Within the time, or not."""
    lock = threading.Lock()

    assert SYSTEM_CLOCK.wait(lock, 1)
    assert not SYSTEM_CLOCK.wait(lock, 0)
