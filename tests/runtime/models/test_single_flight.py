"""Slow work runs once at a time, and nobody waits for it longer than they can."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from pytest_resilience import RetryableError
from pytest_resilience.runtime.models.single_flight import SingleFlight

GUARD = 30.0


class Work:
    """Work that waits to be let go, and counts how often it began."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.count = 0

    def __call__(self):
        """Begin, wait, and return which time this was."""
        self.count += 1
        mine = self.count
        self.begun.release()
        self.may_end.wait(GUARD)
        return mine


def test_the_result_is_handed_over():
    """Who joins gets what the work returns."""
    assert SingleFlight(lambda: 42, name="thinking").join(GUARD) == 42


def test_an_error_is_handed_over():
    """Who joins gets what the work raises."""
    with pytest.raises(ZeroDivisionError):
        SingleFlight(lambda: 1 / 0, name="dividing").join(GUARD)


def test_a_timeout_of_the_work_is_not_taken_for_ours():
    """A `TimeoutError` that the work raises comes out as it is."""

    def late():
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        SingleFlight(late, name="waiting").join(GUARD)


def test_who_cannot_wait_is_told_so():
    """After the time-out the caller goes on, and the work does, too."""
    work = Work()
    flight = SingleFlight(work, name="loading")

    with pytest.raises(RetryableError, match=r"loading was not done after 0\.01 s"):
        flight.join(0.01)

    joined = flight.start()
    work.may_end.set()
    assert joined.result(GUARD) == 1


def test_many_callers_share_one_flight():
    """Ten callers at once begin the work once, and all get its result."""
    work = Work()
    flight = SingleFlight(work, name="loading")
    results = []
    threads = [threading.Thread(target=lambda: results.append(flight.join(GUARD))) for _ in range(10)]
    for thread in threads:
        thread.start()
    work.begun.acquire(timeout=GUARD)
    work.may_end.set()
    for thread in threads:
        thread.join(GUARD)

    assert set(results) <= {1, 2}  # a caller that comes after the landing begins a second one
    assert work.count <= 2


def test_the_next_call_begins_anew():
    """When the work is done, the next caller starts it again."""
    work = Work()
    work.may_end.set()
    flight = SingleFlight(work, name="loading")

    assert [flight.join(GUARD), flight.join(GUARD)] == [1, 2]


def test_who_comes_after_the_time_is_over_does_not_wait():
    """A flight that hangs costs its callers the time-out once, and not each of them."""
    work = Work()
    clock = _Clock()
    flight = SingleFlight(work, name="loading", clock=clock)
    flight.start()
    clock.now += 100

    with pytest.raises(RetryableError):
        flight.join(50)

    work.may_end.set()


def test_context_goes_along():
    """What the caller's context holds, such as a deadline, is seen by the work."""
    variable = ContextVar("variable", default="outside")
    variable.set("inside")

    assert SingleFlight(variable.get, name="looking").join(GUARD) == "inside"


class _Clock:
    """A clock that stands still."""

    now = 0.0

    def monotonic(self):
        """Return the time."""
        return self.now
