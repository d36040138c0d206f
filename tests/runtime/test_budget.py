"""Retry budgets: the inequality, at every retry, in any order of events."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from pytest_resilience import Retry, RetryableError
from pytest_resilience.runtime.backoff import FixedDelay
from pytest_resilience.runtime.budget import RetryBudget, budget_for
from pytest_resilience.runtime.window import SlidingWindow
from pytest_resilience.testing import FakeClock, FlakyCall

WINDOW, MINIMUM, RATIO = 10.0, 3, 0.25


class BudgetMachine(RuleBasedStateMachine):
    """Keep every event, and count them one by one."""

    def __init__(self):
        super().__init__()
        self.clock = FakeClock(monotonic=0.0)
        self.budget = RetryBudget(window=WINDOW, minimum=MINIMUM, ratio=RATIO, clock=self.clock)
        self.first_attempts, self.retries = [], []

    @rule(number=st.integers(1, 30))
    def begin(self, number):
        """Some first attempts."""
        for _ in range(number):
            self.budget.begin()
            self.first_attempts.append(self.clock.monotonic())

    @rule(number=st.integers(1, 10))
    def retry(self, number):
        """Ask for some retries."""
        for _ in range(number):
            now = self.clock.monotonic()
            granted = self.budget.spend()
            if granted:
                self.retries.append(now)
            first_attempts = sum(at > now - WINDOW for at in self.first_attempts)
            retries = sum(at > now - WINDOW for at in self.retries)

            assert not granted or retries <= max(MINIMUM, RATIO * first_attempts)
            self._is_not_mean(now, granted=granted)

    def _is_not_mean(self, now, *, granted):
        """A retry is refused only if it would break the inequality in a window that is a slice off."""
        slice_ = WINDOW / 100
        first_attempts = sum(at > now - WINDOW + 2 * slice_ for at in self.first_attempts)
        retries = sum(at > now - WINDOW - 2 * slice_ for at in self.retries)
        assert granted or retries + 1 > max(MINIMUM, RATIO * first_attempts)

    @rule(seconds=st.floats(0, 12) | st.sampled_from([0.03125, 9.9375, 9.96875]))
    def wait(self, seconds):
        """Let time pass."""
        self.clock.advance(seconds)


TestBudget = BudgetMachine.TestCase
TestBudget.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


class ForgetfulBudget(BudgetMachine):
    """A budget that drops retries as early as first attempts, up to a slice too early."""

    def __init__(self):
        super().__init__()
        self.budget._retries = SlidingWindow(WINDOW)


def test_the_machine_finds_a_planted_bug():
    """A tenth of a second too early is found."""
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            ForgetfulBudget,
            settings=settings(
                max_examples=5000,
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                database=None,
            ),
        )


def test_the_defaults_are_the_policys():
    """In ten seconds, 10 retries or 20 % of the first attempts."""
    clock = FakeClock()
    budget = RetryBudget(clock=clock)
    granted = []
    for first_attempts in (0, 50, 150, 800):
        for _ in range(first_attempts):
            budget.begin()
        granted.append(sum(budget.spend() for _ in range(1000)))
        clock.advance(11)

    assert granted == [10, 10, 30, 160]


def test_what_is_just_ten_seconds_old_is_out():
    """Also where a slice's number is no exact fraction: ten seconds hold 99 slices of 0.1, rounded down."""
    clock = FakeClock(monotonic=0.0)
    budget = RetryBudget(window=10.0, minimum=3, ratio=0.25, clock=clock)
    for _ in range(16):
        budget.begin()
    clock.advance(10.0)

    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


def test_the_window_is_ten_seconds():
    """A retry is free again when ten seconds have passed, give or take a slice."""
    clock = FakeClock(monotonic=0.05)
    budget = RetryBudget(clock=clock)
    for _ in range(10):
        assert budget.spend()
    clock.advance(9.9)
    assert not budget.spend()
    clock.advance(0.3)

    assert budget.spend()


def test_callers_of_one_dependency_share_its_budget():
    """A hundred callers of what is down make 10 retries together, not 300."""
    calls = FlakyCall(RetryableError("down"))
    policy = Retry(dependency="a test's warehouse", backoff=FixedDelay(0), listeners=())
    for _ in range(100):
        with pytest.raises(RetryableError):
            policy.call(calls)

    assert 100 + 20 >= len(calls.calls) >= 100 + 10


def test_the_last_error_says_that_the_budget_is_used_up():
    """And layers around do not try again."""
    budget = RetryBudget("labs", minimum=0, ratio=0.0)
    call = FlakyCall(RetryableError("down"))
    inner = Retry(budget=budget, listeners=())
    with pytest.raises(RetryableError):
        Retry(max_retries=2, backoff=FixedDelay(0), listeners=()).call(inner.call, call)

    assert len(call.calls) == 1


def test_one_dependency_has_one_budget_and_there_is_a_bound():
    """By name; names made from data do not fill the memory."""
    first = budget_for("labs")
    assert first is budget_for("labs")
    for number in range(1000):
        budget_for(f"host {number}")

    assert first is not budget_for("labs")


def test_a_window_counts_in_constant_memory():
    """A hundred thousand things, a hundred slices."""
    window = SlidingWindow(10)
    for number in range(100_000):
        window.add(number / 1000)

    assert len(window._slices) <= 101
    assert 9_900 <= window.sums[0] <= 10_000


@pytest.mark.parametrize(
    ("settings_", "value"), [({"window": 0}, "0"), ({"minimum": -1}, "-1"), ({"ratio": 1.5}, "1.5")]
)
def test_nonsense_is_refused(settings_, value):
    """With the value."""
    with pytest.raises(ValueError, match=value):
        RetryBudget(**settings_)


def test_a_dependency_and_a_budget_are_one_too_many():
    """Which of them would count?"""
    with pytest.raises(ValueError, match="not both"):
        Retry(dependency="labs", budget=RetryBudget())


def test_a_signal_handler_may_come_in_the_middle():
    """What it tries counts, and nobody waits for the thread that it has interrupted."""
    clock = FakeClock(monotonic=0.0)
    once = iter([True])

    class Interrupted(FakeClock):
        def monotonic(self):
            if next(once, False):
                budget.begin()
            return clock.monotonic()

    budget = RetryBudget(window=WINDOW, minimum=0, ratio=1.0, clock=Interrupted())
    budget.begin()

    assert [budget.spend() for _ in range(3)] == [True, True, False]
