"""Send what waits for one channel, one step at a time: claim, send, record the receipt or the failure."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from pytest_resilience.clock import Clock
from pytest_resilience.errors import RetryableError
from pytest_resilience.runtime.alerting.channel import Channel
from pytest_resilience.runtime.alerting.deliveries import Claim, Deliveries
from pytest_resilience.runtime.alerting.digest import digest_of
from pytest_resilience.runtime.alerting.outbox import Outbox
from pytest_resilience.runtime.alerting.real_time import REAL_TIME
from pytest_resilience.runtime.alerting.storm import Pace, Storm
from pytest_resilience.runtime.backoff import ExponentialBackoff

POLL = 5.0
"""Seconds after which an idle sender looks for what other processes left behind."""

FAILOVER_AFTER = 2
"""Failed attempts in a row after which what waits here is given to the next channel as well."""

BACKOFF = ExponentialBackoff(base_delay=1.0, max_delay=30.0)
MAX_RETRY_AFTER = 300.0
"""Seconds that a receiver may ask us to stay away."""

Report = Callable[[str, BaseException, int], None]
"""Told of a channel's name, what its last attempt raised, and how many failed in a row."""


class Sender:
    """Deliver to one channel what the outbox holds for it.

    Args:
        channel: where to.
        outbox: where from.
        others: the names of channels that take over, in order; the last resort last.
        wake: called with the names of channels that were given something.
        report: told of every failure.
        storm: holds back what comes too fast.
        clock: measures delays.
    """

    def __init__(
        self,
        channel: Channel,
        outbox: Outbox,
        *,
        others: Sequence[str] = (),
        wake: Callable[[Sequence[str]], None] = lambda _names: None,
        report: Report = lambda _name, _error, _failures: None,
        storm: Storm | None = None,
        clock: Clock = REAL_TIME,
    ) -> None:
        self.channel = channel
        self.failures = 0
        self._outbox = outbox
        self._deliveries = Deliveries(outbox, channel.name, clock=clock)
        self._others = others
        self._wake = wake
        self._report = report
        self._storm = storm or Storm()
        self._clock = clock
        self._not_before = float("-inf")
        self._delay = 0.0
        self._under_way: str | None = None

    def step(self, *, hurry: bool = False) -> float:
        """Deliver at most one thing and return the seconds after which to come again; 0 means at once.

        Args:
            hurry: do not wait for the end of a storm: the process is about to end.
        """
        paused = self._not_before - self._clock.monotonic()
        if paused > 0:
            if self.failures >= FAILOVER_AFTER:
                self.give_to(self._others)
            return min(paused, POLL)
        claim, pause = self._next(hurry=hurry)
        if claim is None:
            return pause
        self._deliver(claim)
        return max(0.0, min(POLL, self._not_before - self._clock.monotonic()))

    def try_now(self) -> None:
        """Forget the delay that the last failure asked for."""
        self._not_before = float("-inf")

    def _next(self, *, hurry: bool) -> tuple[Claim | None, float]:
        if urgent := self._deliveries.claim(only_urgent=True):
            return urgent, 0.0
        now = self._clock.monotonic()
        crowded = self._deliveries.crowd_is_larger_than(self._storm.burst)
        pace = self._storm.pace(now, crowded=crowded)
        if pace is Pace.DIGEST or (pace is Pace.WAIT and hurry):
            return self._crowd(), POLL
        if pace is Pace.SINGLE:
            if single := self._deliveries.claim():
                self._storm.spend()
            return single, POLL
        return None, min(POLL, self._storm.remaining(now))

    def _crowd(self) -> Claim | None:
        owner = self._deliveries.claim_crowd()
        return Claim(owner, digest_of(self._outbox, owner, clock=self._clock)) if owner else None

    def let_go(self) -> None:
        """Free what has no answer yet: this process ends, and the next one need not wait for the lease."""
        owner = self._under_way
        if owner is not None:
            self._deliveries.let_go(owner)

    def _deliver(self, claim: Claim) -> None:
        self._under_way = claim.owner
        try:
            self._try(claim)
        finally:
            self._under_way = None

    def _try(self, claim: Claim) -> None:
        try:
            self.channel.send(claim.alert)
        except RetryableError as error:
            self._deliveries.failed(claim.owner)
            self._pause(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code: what it does not expect is final
            self._deliveries.refused(claim.owner)
            self._report(self.channel.name, error, self.failures + 1)
            self.give_to(self._others, waiting=False)
        else:
            self._deliveries.sent(claim.owner)
            self.failures = 0

    def _pause(self, error: RetryableError) -> None:
        self.failures += 1
        self._delay = BACKOFF.next_delay(self.failures - 1, self._delay, random.random)
        asked = min(error.retry_after or 0.0, MAX_RETRY_AFTER)
        self._not_before = self._clock.monotonic() + max(self._delay, asked)
        self._report(self.channel.name, error, self.failures)
        if self.failures >= FAILOVER_AFTER:
            self.give_to(self._others)

    def give_to(self, others: Sequence[str], *, waiting: bool = True) -> None:
        """Give what was refused, and what waits, to the first of these channels that lacks it; once for each alert."""
        if given := self._deliveries.fail_over(others, waiting=waiting):
            self._wake(given)
