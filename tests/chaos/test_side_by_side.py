"""What is made side by side comes in order, a few at once, and can be waited for by whoever ends it."""

from __future__ import annotations

import threading

import pytest

from pytest_resilience.chaos.laboratory.side_by_side import AT_ONCE, SideBySide


@pytest.fixture
def side_by_side() -> SideBySide:
    """Nothing made yet."""
    return SideBySide()


def test_results_have_the_order_of_their_makers(side_by_side):
    """The second is done before the first, and comes after it."""
    second = threading.Event()

    def make_first() -> str:
        second.wait()
        return "first"

    def make_second() -> str:
        second.set()
        return "second"

    assert side_by_side.results([make_first, make_second]) == ["first", "second"]


def test_few_are_made_at_once(side_by_side):
    """All places are taken before one is given to the next."""
    meeting = threading.Barrier(AT_ONCE)
    running = threading.Semaphore(AT_ONCE)

    def make() -> bool:
        free = running.acquire(blocking=False)
        meeting.wait()
        running.release()
        return free

    assert side_by_side.results([make] * (2 * AT_ONCE)) == [True] * (2 * AT_ONCE)


def test_first_error_is_raised_when_all_are_over(side_by_side):
    """Nothing is under way any more when the caller hears of it."""
    over = []

    def fail() -> None:
        raise RuntimeError("not this one")

    with pytest.raises(RuntimeError, match="not this one"):
        side_by_side.results([fail, lambda: over.append(1)])

    assert over == [1]


def test_nothing_is_made_of_nothing(side_by_side):
    """No makers, no results."""
    assert side_by_side.results([]) == []


def test_what_an_interrupted_caller_leaves_can_be_waited_for(side_by_side):
    """`join` returns when the last has ended."""
    begun, free, over = threading.Event(), threading.Event(), []

    def make() -> None:
        begun.set()
        free.wait()
        over.append(1)

    caller = threading.Thread(target=side_by_side.results, args=([make],), daemon=True)
    caller.start()
    begun.wait()
    free.set()
    side_by_side.join(60)

    assert over == [1]
