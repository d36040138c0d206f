"""A few alerts go out one by one; a storm waits for the end of its window and goes out as one."""

import pytest

from pytest_resilience.runtime.alerting.storm import Pace, Storm


def paces(storm, now, times, *, crowded):
    """Ask so many times, spending each single, and return the answers."""
    answers = []
    for _ in range(times):
        answers.append(storm.pace(now, crowded=crowded))
        if answers[-1] is Pace.SINGLE:
            storm.spend()
    return answers


def test_a_burst_goes_out_one_by_one():
    """So many in a window; the next has to wait."""
    answers = paces(Storm(burst=3, window=10.0), 0.0, 5, crowded=True)

    assert answers == [Pace.SINGLE] * 3 + [Pace.WAIT] * 2


def test_what_waited_goes_out_as_one():
    """When the window is over and more wait than a burst; then the next window begins."""
    storm = Storm(burst=3, window=10.0)
    paces(storm, 0.0, 4, crowded=True)

    assert paces(storm, 10.0, 2, crowded=True) == [Pace.DIGEST, Pace.WAIT]
    assert paces(storm, 20.0, 1, crowded=True) == [Pace.DIGEST]


def test_a_small_rest_goes_out_one_by_one():
    """When the window is over and no more wait than a burst."""
    storm = Storm(burst=3, window=10.0)
    paces(storm, 0.0, 4, crowded=True)

    assert paces(storm, 10.0, 3, crowded=False) == [Pace.SINGLE] * 3


def test_windows_are_measured_from_their_first_alert():
    """A quiet time does not count."""
    storm = Storm(burst=1, window=10.0)
    paces(storm, 100.0, 2, crowded=False)

    assert storm.remaining(104.0) == pytest.approx(6.0)
    assert paces(storm, 111.0, 1, crowded=False) == [Pace.SINGLE]
