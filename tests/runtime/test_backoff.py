"""How long to wait: growth, cap, and jitters that do not vanish at it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.runtime.backoff import JITTERS, ExponentialBackoff, FixedDelay

DELAYS = st.floats(0, 1e6, allow_subnormal=False)
DRAWS = st.floats(0, 1, exclude_max=True)


@given(base=DELAYS, cap=DELAYS, retry=st.integers(0, 10_000), draw=DRAWS)
def test_the_default_jitter_stays_in_its_interval(base, cap, retry, draw):
    """Within [0.5·d, min(1.5·d, max_delay)] for every retry, however late, and every draw."""
    backoff = ExponentialBackoff(base, cap)
    plain = backoff.plain_delay(retry)
    delay = backoff.next_delay(retry, 0.0, lambda: draw)

    assert 0.5 * plain * (1 - 1e-12) <= delay <= min(1.5 * plain, cap) * (1 + 1e-12)


@given(base=DELAYS, cap=DELAYS, retry=st.integers(0, 100))
def test_the_middle_draw_is_the_unjittered_delay(base, cap, retry):
    """Also at the cap: who pins the draw measures the growth exactly."""
    backoff = ExponentialBackoff(base, cap)

    assert backoff.plain_delay(retry) == backoff.next_delay(retry, 0.0, lambda: 0.5)


@pytest.mark.parametrize(("base", "cap"), [(2, 60), (50, 60), (60, 60), (100, 60), (40, 60)])
def test_the_default_jitter_is_uniform_also_where_the_cap_cuts_it(base, cap):
    """Each tenth of [0.5·d, min(1.5·d, cap)] gets a tenth of the delays: nothing bunches up at the cap."""
    backoff = ExponentialBackoff(base, cap)
    plain = backoff.plain_delay(0)
    low, high = 0.5 * plain, min(1.5 * plain, cap)
    number = 20_000
    tenths = [0] * 10
    for draw in range(number):
        delay = backoff.next_delay(0, 0.0, lambda draw=draw: (draw + 0.5) / number)
        tenths[min(9, int((delay - low) / (high - low) * 10))] += 1

    assert all(abs(count - number / 10) < number / 500 for count in tenths), tenths


def test_clipping_would_fail_that_test():
    """The planted bug: `min(d * draw, cap)` puts half of all delays on the cap itself."""
    clipped = [min(60 * (0.5 + draw / 1000), 60) for draw in range(1000)]

    assert clipped.count(60) == 500


@pytest.mark.parametrize("jitter", [jitter for jitter in JITTERS if jitter is not False])
def test_late_delays_still_vary(jitter):
    """No jitter vanishes at the cap: two callers that failed together do not come back together for ever."""
    backoff = ExponentialBackoff(2, 60, jitter)
    draw = random.Random(3).random
    delay = 0.0
    late = []
    for retry in range(60):
        delay = backoff.next_delay(retry, delay, draw)
        if retry >= 10:
            late.append(round(delay, 6))

    assert len(set(late)) == len(late)
    assert max(late) <= 60


@given(previous=st.floats(0, 60), draw=DRAWS)
def test_the_other_jitters_stay_in_their_intervals(previous, draw):
    """`full` on [0, d], `equal` on [d/2, d], `decorrelated` from the base to three times the last delay."""

    def delay(jitter):
        return ExponentialBackoff(2, 60, jitter).next_delay(3, previous, lambda: draw)

    assert 0 <= delay("full") <= 16
    assert 8 <= delay("equal") <= 16
    assert 2 <= delay("decorrelated") <= min(60, 3 * max(previous, 2))


def test_a_fixed_delay_is_fixed():
    """Whatever the retry and the draw."""
    assert {5.0} == {FixedDelay().next_delay(retry, 1.0, random.random) for retry in range(9)}


def test_a_cap_below_the_base_is_the_delay():
    """`min(base_delay * 2**n, max_delay)`, as written."""
    assert ExponentialBackoff(10, 4, jitter=False).next_delay(0, 0.0, random.random) == 4


@pytest.mark.parametrize("jitter", ["none", 0.5, None])
def test_an_unknown_jitter_is_refused(jitter):
    """With its name, and the known ones."""
    with pytest.raises(ValueError, match="jitter must be one of"):
        ExponentialBackoff(jitter=jitter)
