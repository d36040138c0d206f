"""Growth from exact waits and from drawn ones, simulated: wrong verdicts are at most one in a hundred."""

from __future__ import annotations

import random

import pytest
from drawn_waits import JITTER, Midpoint, waits

from pytest_resilience.checklist.judges.backoff.growth import growth_of
from pytest_resilience.checklist.judges.backoff.statistics import free_growth, varies

EPISODES = 100
NOISE = 0.02


def exact_kinds(growth, jitter, count, *, cap=1e9, base_noise=0.05):
    """Return what pinned episodes of this model are taken for, with the clock off in each differently."""
    draw = random.Random(count)
    exact = waits(growth, jitter, count, Midpoint(), cap=cap)
    noise = base_noise * (exact[0] or 1.0)
    return [
        growth_of([wait + draw.uniform(0, noise) for wait in exact], noise=noise).kind
        for _ in range(EPISODES)
    ]


@pytest.mark.parametrize("count", range(3, 8))
@pytest.mark.parametrize("jitter", [*JITTER, "decorrelated"])
@pytest.mark.parametrize("cap", [1e9, 10.0, 16.0])
def test_exact_geometric_waits_pass(count, jitter, cap):
    """Doubling waits, and decorrelated ones at their midpoint, are geometric, with a cap or without."""
    assert exact_kinds("exponential", jitter, count, cap=cap) == ["geometric"] * EPISODES


@pytest.mark.parametrize("count", range(3, 8))
@pytest.mark.parametrize("jitter", JITTER)
@pytest.mark.parametrize("growth", ["linear", "constant", "immediate", "shrinking"])
def test_exact_other_waits_do_not(count, jitter, growth):
    """Linear, constant and missing waits are called by their name, whatever the jitter."""
    assert exact_kinds(growth, jitter, count) == [growth] * EPISODES


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        ((1, 2, 3), "linear"),
        ((1, 2, 3, 4, 4, 4), "linear"),
        ((2, 4, 5, 5), "geometric"),
        ((2, 4, 5), "geometric"),
        ((1, 1.7, 2.89), "geometric"),
        ((1, 1.5, 2.25, 3.375), "geometric"),
        ((0.6, 0.7, 0.9, 1.3), "geometric"),
        ((0, 2, 4, 8), "geometric"),
        ((4, 4, 4, 8, 10), "geometric"),
        ((1, 1.2, 1.4, 1.6), "linear"),
        ((5, 5, 5), "constant"),
        ((8, 4, 2), "shrinking"),
        ((0, 0, 0), "immediate"),
        ((0.0174, 0.00907, 0.0159), "immediate"),
        ((0.03, 0.01, 0.021), "unclear"),
        ((1, 2, 3, 3), "unclear"),
        ((1, 1.4), "unclear"),
        ((0.03, 0.06, 0.12), "unclear"),
        ((3,), "unclear"),
    ],
    ids=str,
)
def test_exact_series(series, kind):
    """Series as libraries make them: caps, floors, a first retry at once, a constant and a doubling part."""
    assert growth_of(series, noise=0.01).kind == kind


def test_two_waits_are_told_to_fit_a_line():
    """A factor in two waits passes, and the reader is told what else it fits."""
    growth = growth_of((1, 2), noise=0.01)

    assert (growth.kind, "linear" in growth.note) == ("geometric", True)


def drawn_kinds(growth, jitter, count, *, repeats=12, cap=1e9):
    """Return what series of free episodes are taken for, with as many episodes as the judge wants."""
    draw = random.Random(7)
    return [_drawn_kind(draw, growth, jitter, count, cap) for _ in range(repeats)]


def _drawn_kind(draw, growth, jitter, count, cap):
    seen, more, kind = [], True, ""
    while more:
        target = 10 if not seen else 80 if len(seen) < 80 else len(seen) + 80
        seen += [waits(growth, jitter, count, draw, cap=cap, noise=NOISE) for _ in range(target - len(seen))]
        found, more = free_growth(seen, noise=NOISE)
        kind = found.kind
    return kind


@pytest.mark.parametrize("jitter", ["full", "equal", "half"])
@pytest.mark.parametrize("count", [3, 5, 7])
def test_drawn_geometric_waits_pass(jitter, count):
    """Doubling waits are found under every independent jitter."""
    assert set(drawn_kinds("exponential", jitter, count)) == {"geometric"}


@pytest.mark.parametrize("jitter", ["full", "equal", "half"])
@pytest.mark.parametrize("count", [5, 7])
def test_drawn_linear_waits_never_pass(jitter, count):
    """Five linear waits or more fail, or are not proven; they are not taken for geometric."""
    assert "geometric" not in drawn_kinds("linear", jitter, count)


@pytest.mark.parametrize("jitter", ["full", "equal", "half"])
@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("growth", ["constant", "immediate", "shrinking"])
def test_drawn_waits_without_growth_fail(jitter, count, growth):
    """Waits that do not grow are never taken for growing ones, nor left open."""
    assert set(drawn_kinds(growth, jitter, count)) <= {"constant", "immediate", "shrinking"}


def test_few_drawn_linear_waits_are_a_warning():
    """With three waits that vary, linear growth passes with a note that says so."""
    draw = random.Random(3)
    found, _ = free_growth([waits("linear", "half", 3, draw) for _ in range(80)], noise=NOISE)

    assert (found.kind, "linear growth cannot be excluded" in found.note) == ("geometric", True)


def test_decorrelated_jitter_is_never_failed():
    """Waits that depend on the one before are geometric, after more episodes."""
    assert set(drawn_kinds("exponential", "decorrelated", 5, repeats=10)) == {"geometric"}


def test_waits_that_do_not_vary_need_no_statistics():
    """Without jitter ten episodes tell linear waits from doubling ones."""
    draw = random.Random(1)

    def kind(growth):
        return free_growth([waits(growth, "none", 4, draw, noise=0.01) for _ in range(10)], noise=0.02)

    assert (kind("linear")[0].kind, kind("exponential")[0].kind) == ("linear", "geometric")


def test_more_episodes_are_wanted_before_anything_is_said():
    """Three episodes say nothing, and ask for more."""
    draw = random.Random(1)
    found, more = free_growth([waits("exponential", "full", 4, draw) for _ in range(3)], noise=NOISE)

    assert (found.kind, more) == ("unclear", True)


def test_what_a_busy_machine_adds_now_and_then_is_no_jitter():
    """Two of ten waits come late by far more than the clock's noise; drawn ones differ nearly all."""
    draw = random.Random(2)
    late = [(3.0 + (0.5 if number in {3, 7} else 0.01),) for number in range(10)]
    drawn = [(draw.uniform(2.0, 4.0),) for _ in range(10)]

    assert (varies(late, noise=NOISE), varies(drawn, noise=NOISE)) == (False, True)
