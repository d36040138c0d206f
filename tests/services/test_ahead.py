"""Things are made ahead from the second on, have one user each, and do not outlive their shelf."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from pytest_resilience.services.ahead import Ahead


class Workshop:
    """Make numbers, and remember what became of them."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.made = threading.Semaphore(0)
        self.discarded = []
        self.broken = set()

    def make(self) -> int:
        """Return the next number, unless it is broken."""
        number = next(self.numbers)
        self.made.release()
        if number in self.broken:
            raise RuntimeError(f"number {number} failed")
        return number


@pytest.fixture
def workshop() -> Workshop:
    """A workshop that has made nothing."""
    return Workshop()


@pytest.fixture
def ahead(workshop: Workshop) -> Ahead[int]:
    """Its numbers, made ahead."""
    return Ahead(workshop.make, workshop.discarded.append)


def test_one_use_makes_one(workshop, ahead):
    """Who takes one thing pays for one."""
    ahead.take()
    ahead.close()

    assert (next(workshop.numbers), workshop.discarded) == (2, [])


def test_second_use_makes_the_third_ahead(workshop, ahead):
    """The next is made without being asked for, and discarded if nobody comes."""
    taken = [ahead.take(), ahead.take()]
    for _ in range(3):
        workshop.made.acquire()
    ahead.close()
    ahead.close()

    assert (taken, workshop.discarded) == ([1, 2], [3])


def test_nothing_is_made_after_the_end(workshop, ahead):
    """A closed shelf still serves who asks, and makes nothing ahead."""
    ahead.close()
    taken = [ahead.take() for _ in range(3)]
    ahead.close()

    assert (taken, workshop.discarded) == ([1, 2, 3], [])


def test_failure_ahead_is_tried_again(workshop, ahead):
    """Nobody is handed an old failure; a new one is the caller's."""
    workshop.broken = {3, 5}
    taken = [ahead.take() for _ in range(3)]

    assert taken == [1, 2, 4]
    workshop.broken = set(range(5, 100))
    with pytest.raises(RuntimeError, match="failed"):
        ahead.take()
    ahead.close()
    assert workshop.discarded == []


def test_stale_thing_is_not_handed_out(workshop):
    """What has become unusable meanwhile is discarded."""
    ahead = Ahead(workshop.make, workshop.discarded.append, usable=lambda number: number != 3)
    taken = [ahead.take() for _ in range(3)]
    ahead.close()

    assert taken == [1, 2, 4]
    assert workshop.discarded[0] == 3


def test_every_user_has_one_alone(ahead):
    """Many threads that take at once never get the same."""
    with ThreadPoolExecutor(8) as executor:
        taken = list(executor.map(lambda _: ahead.take(), range(200)))
    ahead.close()

    assert len(set(taken)) == 200
