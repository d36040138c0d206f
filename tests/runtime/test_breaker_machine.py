"""The breaker against a small model, in any order of calls, outcomes and steps of time."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pytest_resilience import CircuitBreaker, CircuitBreakerOpenError
from pytest_resilience.testing import FakeClock

THRESHOLD, TIMEOUT, PLACES, LEASE = 3, 60, 2, 25
SUCCESS, FAILURE, IGNORED = None, ConnectionError, ValueError


class Model:
    """What a breaker is, in the fewest words: no locks, no objects, no speed."""

    def __init__(self):
        self.state, self.period, self.failures = "closed", 0, 0
        self.until, self.leases = 0.0, {}

    def enter(self, call, now):
        if self.state == "open" and now >= self.until:
            self._change("half_open")
        self.leases = {one: until for one, until in self.leases.items() if until > now}
        if self.state == "open" or (self.state == "half_open" and len(self.leases) >= PLACES):
            return None
        if self.state == "half_open":
            self.leases[call] = now + LEASE
        return self.period

    def leave(self, call, period, outcome, now):
        if period != self.period:
            return
        self.leases.pop(call, None)
        if outcome is FAILURE:
            self.failures += 1
            if self.state == "half_open" or self.failures >= THRESHOLD:
                self._change("open")
                self.until = now + TIMEOUT
        elif outcome is SUCCESS:
            self.failures = 0
            if self.state == "half_open":
                self._change("closed")

    def _change(self, state):
        self.state, self.period, self.leases = state, self.period + 1, {}


class BreakerMachine(RuleBasedStateMachine):
    """Do the same to a breaker and to the model."""

    def __init__(self):
        super().__init__()
        self.clock = FakeClock(monotonic=0.0)
        self.model = Model()
        self.running = []
        self.breaker = CircuitBreaker(
            THRESHOLD,
            TIMEOUT,
            ConnectionError,
            half_open_max_calls=PLACES,
            trial_lease=LEASE,
            clock=self.clock,
            listeners=(),
        )

    @rule()
    def begin(self):
        """Begin a call that goes on for a while."""
        call = self.breaker.calling()
        period = self.model.enter(call, self.clock.monotonic())
        try:
            call.__enter__()
        except CircuitBreakerOpenError:
            assert period is None
        else:
            assert period is not None
            self.running.append((call, period))

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 1000), outcome=st.sampled_from([SUCCESS, FAILURE, IGNORED]))
    def end(self, which, outcome):
        """End one of the running calls."""
        call, period = self.running.pop(which % len(self.running))
        self.model.leave(call, period, outcome, self.clock.monotonic())
        call.__exit__(outcome, outcome and outcome(), None)

    @rule(outcome=st.sampled_from([SUCCESS, FAILURE, IGNORED]))
    def call(self, outcome):
        """Make a call that ends at once, in the form that takes no lock while all is well."""

        def func():
            if outcome is not None:
                raise outcome

        period = self.model.enter(func, self.clock.monotonic())
        try:
            self.breaker.call(func)
        except CircuitBreakerOpenError:
            assert period is None
            return
        except (ConnectionError, ValueError) as error:
            raised = type(error)
        else:
            raised = None
        assert outcome is raised
        self.model.leave(func, period, outcome, self.clock.monotonic())

    @rule(seconds=st.sampled_from([0.5, 10, 25, 35, 60]))
    def wait(self, seconds):
        """Let time pass."""
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([-3600, -1, 1, 3600]))
    def step(self, seconds):
        """Step the wall clock, which must change nothing."""
        self.clock.step_time(seconds)

    @invariant()
    def is_as_the_model_says(self):
        """State and count agree after every step."""
        assert (self.model.state, self.model.failures) == (
            self.breaker.state.value,
            self.breaker.failure_count,
        )


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


class StaleResultsCount(BreakerMachine):
    """A breaker that forgets in which period a call began."""

    def __init__(self):
        super().__init__()
        circuit = self.breaker._circuit
        settle = circuit.settle
        circuit.settle = lambda _, *rest, **more: settle(circuit.period, *rest, **more)


class LeasesNeverEnd(BreakerMachine):
    """A breaker whose hung trials keep their places."""

    def __init__(self):
        super().__init__()
        circuit = self.breaker._circuit
        circuit.settings = replace(circuit.settings, trial_lease=1e9)


class WallClock(BreakerMachine):
    """A breaker that goes by the wall clock."""

    def __init__(self):
        super().__init__()
        self.breaker._circuit.clock = SimpleNamespace(monotonic=self.clock.time)


@pytest.mark.parametrize("planted", [StaleResultsCount, LeasesNeverEnd, WallClock])
def test_the_machine_finds_a_planted_bug(planted):
    """The model is not blind: each of these breakers is told from it."""
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            planted,
            settings=settings(
                max_examples=2000,
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                print_blob=False,
                database=None,
            ),
        )
