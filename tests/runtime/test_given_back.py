"""What a block changes in its context, where the block ends in another: a generator that somebody else closes."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from pytest_resilience import Deadline, Retry, operation, remaining_time
from pytest_resilience.runtime.interruption import RUNS

FOREVER = 3600


def blocks(entered):
    """Stand in a block until it is closed."""
    with entered:
        yield


@pytest.mark.parametrize(
    "make",
    [
        lambda: operation("ingest"),
        lambda: Deadline(FOREVER),
        lambda: next(iter(Retry(write=True, key="k"))),
    ],
    ids=["operation", "deadline", "attempt"],
)
def test_it_ends_without_an_error(make):
    """As a thread pool does it that runs each step of a generator in a copy of the context."""
    generator = blocks(make())
    contextvars.copy_context().run(next, generator)
    contextvars.copy_context().run(generator.close)

    assert generator.gi_frame is None


def test_an_ended_deadline_interrupts_nobody():
    """Its watch ends with it."""
    deadline = Deadline(FOREVER)
    generator = blocks(deadline)
    contextvars.copy_context().run(next, generator)
    generator.close()

    assert deadline not in RUNS


def test_the_task_that_began_goes_on_without_the_deadline():
    """It is not cancelled when the time would have been over, and what it begins then is not refused."""

    async def block():
        async with Deadline(0.05):
            yield

    async def main():
        generator = block()
        await anext(generator)
        await asyncio.create_task(generator.aclose())
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, over.set)
        await over.wait()
        return remaining_time(), Retry(deadline=FOREVER).call(lambda: "called")

    assert asyncio.run(main()) == (None, "called")
