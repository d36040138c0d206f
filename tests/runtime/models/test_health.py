"""A model is healthy if it answers in time, with one finite number a row, and right where that is known."""

from __future__ import annotations

import math
import threading
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience import GoldenRequest, HealthCheckFailed
from pytest_resilience.runtime.models.health import check_golden, examine

TABLE = pd.DataFrame({"age": [30.0, 70.0]})


class SteppingClock:
    """A clock that a slow model moves."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        """Return the time."""
        return self.now


def model(*seconds, output=(1.0, 2.0)):
    """Return a model that takes so long at each call, and its clock."""
    clock = SteppingClock()
    times = iter(seconds)

    def predict(_rows):
        clock.now += next(times, 0.0)
        return np.array(output)

    return predict, clock


def failed_check(**settings):
    """Return which check a model fails."""
    predict = settings.pop("predict")
    with pytest.raises(HealthCheckFailed) as caught:
        examine(predict, settings.pop("sample", TABLE), **settings)
    return caught.value


def test_a_healthy_model_is_reported():
    """The report says how quick it was, and what it answered."""
    predict, clock = model(9.0, 0.1, 0.1, 0.1, 0.1, 0.1)

    report = examine(predict, TABLE, clock=clock)

    assert report.latency == pytest.approx(0.1)
    assert report.output.tolist() == [1.0, 2.0]


def test_the_limit_itself_is_too_slow():
    """The policy asks for less than 200 ms."""
    predict, clock = model(0.0, *[0.2] * 5)

    failure = failed_check(predict=predict, clock=clock)

    assert (failure.check, failure.limit) == ("latency", 0.2)
    assert failure.value == pytest.approx(0.2)


def test_one_slow_call_of_five_is_forgiven():
    """The median counts, and the call that warms up does not."""
    predict, clock = model(5.0, 0.1, 3.0, 0.1, 0.1, 2.0)

    assert examine(predict, TABLE, clock=clock).latency == pytest.approx(0.1)


def test_a_model_that_hangs_is_given_up():
    """A call that never ends fails the check instead of hanging the deployment."""
    never = threading.Event()
    failure = failed_check(predict=lambda _rows: never.wait(30), patience=0.05)
    never.set()

    assert failure.check == "latency"


def test_a_model_that_raises_fails():
    """The cause is kept."""

    def broken(_rows):
        raise KeyError("age")

    failure = failed_check(predict=broken)

    assert failure.check == "output"
    assert isinstance(failure.__cause__, KeyError)


@pytest.mark.parametrize(
    "output",
    [
        None,
        [],
        np.array([]),
        pd.DataFrame({"p": []}),
        [1.0],
        [1.0, 2.0, 3.0],
        [1.0, math.nan],
        [1.0, None],
        np.array([[0.1, 0.9], [math.inf, 0.0]]),
        pd.DataFrame({"p": [0.1, math.nan]}),
        pd.Series([0.1, math.nan]),
        {"p": [0.1, math.nan]},
        [np.float32(1.0), np.float32("nan")],
        pd.Series([0.1, pd.NA], dtype="Float64"),
        pd.Series([0.1, pd.NA], dtype="object"),
        [pd.Timestamp(0), pd.NaT],
        [Decimal(1), Decimal("nan")],
        [1 + 1j, complex(0, math.nan)],
        ["benign", "nan"],
        ["", "benign"],
        "ab",
        0.5,
        np.float64(0.5),
        np.array(0.5),
    ],
    ids=repr,
)
def test_an_output_that_is_none_fails(output):
    """Nothing, too few, too many, NaN and infinity are found in whatever they come."""
    assert failed_check(predict=lambda _rows: output).check == "output"


@pytest.mark.parametrize(
    "output",
    [
        [0.0, 0.0],
        ["benign", "malignant"],
        [b"a", b"b"],
        [Decimal("0.1"), Fraction(1, 3)],
        [10**400, 1 + 1j],
        [[0.1, 0.9], [0.2, 0.8]],
        pd.DataFrame({"class": ["a", "b"], "p": [0.5, 0.5]}),
        [True, False],
        [{"p": 0.5, "note": None}, {"p": 0.6, "note": "sure"}],
    ],
    ids=repr,
)
def test_an_output_that_is_one_passes(output):
    """Zeros, labels, several columns and mappings are answers."""
    assert examine(lambda _rows: output, TABLE).output is output


def test_a_sample_that_is_no_table_does_not_count_rows():
    """A model of one text may answer with as many numbers as it likes."""
    assert examine(lambda _rows: [1.0, 2.0, 3.0], {"text": "a"}).output == [1.0, 2.0, 3.0]


def test_no_sample_is_said_so():
    """Without a sample there is nothing to check by."""
    assert failed_check(predict=len, sample=None).check == "sample"


def test_no_calls_are_refused():
    """A median needs a call."""
    with pytest.raises(ValueError, match="calls must be 1 or more"):
        examine(len, TABLE, calls=0)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8),
    st.floats(0, 10),
    st.floats(0, 20),
)
def test_golden_answers_may_differ_by_the_tolerance(expected, tolerance, off):
    """A request passes exactly if every number is within the tolerance."""
    answer = [number + off for number in expected]
    within = all(abs(given - right) <= tolerance for given, right in zip(answer, expected, strict=True))
    request = GoldenRequest(None, expected, tolerance)

    if within:
        check_golden(lambda _rows: answer, request)
    else:
        with pytest.raises(HealthCheckFailed, match="golden"):
            check_golden(lambda _rows: answer, request)


@pytest.mark.parametrize("answer", [[], [1.0], [1.0, 2.0, 3.0], [1.0, math.nan], ["1.0", "2.0"]])
def test_golden_answers_are_not_fewer_more_or_no_numbers(answer):
    """An answer of another length, or NaN, is wrong whatever the tolerance."""
    with pytest.raises(HealthCheckFailed):
        check_golden(lambda _rows: answer, GoldenRequest(None, [1.0, 2.0], 1e9))


@pytest.mark.parametrize(
    ("expected", "tolerance", "error"),
    [
        ([math.nan], 1, ValueError),
        ([[1.0]], 1, TypeError),
        (["1.0"], 1, TypeError),
        ([1.0], -1, ValueError),
        ([1.0], math.nan, ValueError),
    ],
)
def test_a_golden_request_that_no_answer_can_meet_is_refused(expected, tolerance, error):
    """When it is made, and not as a fault of the model."""
    with pytest.raises(error, match=r"expected|tolerance"):
        GoldenRequest(None, expected, tolerance)
