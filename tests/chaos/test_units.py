"""Durations are read as people write them, and nonsense is refused with its value."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_resilience.chaos.units import seconds


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (0, 0.0),
        (2, 2.0),
        (0.25, 0.25),
        ("300ms", 0.3),
        ("2s", 2.0),
        ("1.5s", 1.5),
        ("1m", 60.0),
        ("1h", 3600.0),
    ],
)
def test_durations(written: Any, expected: float) -> None:
    """Numbers are seconds, texts carry their unit."""
    assert seconds(written) == pytest.approx(expected)


@pytest.mark.parametrize("written", ["", "2", "2 min", "ms", True, None, [1], "1e3s"])
def test_nonsense_is_refused(written: Any) -> None:
    """What is no duration is named in the error, with what to write instead."""
    with pytest.raises(ValueError, match=r"by is .*: write seconds as a number, or 300ms, 2s, 1m, 1h"):
        seconds(written, name="by")


def test_negative_only_where_it_means_something() -> None:
    """Only a clock may jump back."""
    with pytest.raises(ValueError, match="delay is '-1s': it cannot be negative"):
        seconds("-1s", name="delay")

    assert seconds("-1s", negative=True) == -1.0


@pytest.mark.parametrize("endless", [float("inf"), float("nan")])
def test_a_duration_has_an_end(endless: float) -> None:
    """No wait is endless, and none is of no known length."""
    with pytest.raises(ValueError, match=f"delay is {endless}: it has no end"):
        seconds(endless, name="delay")


@pytest.mark.parametrize("nothing", [0, 0.0, "0s", "0ms"])
def test_zero_only_where_it_means_something(nothing: Any) -> None:
    """A fault that lasts no time is none."""
    with pytest.raises(ValueError, match=f"delay is {nothing!r}: it has to be more than nothing"):
        seconds(nothing, name="delay", zero=False)

    assert seconds(nothing) == 0.0
