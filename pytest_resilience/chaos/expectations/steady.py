"""The steady state: checks that hold before a fault, and hold again after it has healed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_resilience.chaos.expectations.context import Look
from pytest_resilience.chaos.expectations.http import ask_http
from pytest_resilience.chaos.expectations.sql import ask_sql
from pytest_resilience.chaos.run.record import CheckRecord
from pytest_resilience.chaos.scenario.model import Check, SqlCheck
from pytest_resilience.clock import SYSTEM_CLOCK, Clock

EVERY = 0.02
"""Seconds from one look to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadiness:
    """What a wait for the steady state has seen.

    Args:
        checks: as they were last.
        held_at: the clock's monotonic time after the first look at which all held; none where they never did.
    """

    checks: tuple[CheckRecord, ...]
    held_at: float | None


def ask(check: Check, look: Look) -> CheckRecord:
    """Ask one check now; what goes wrong is what was seen."""
    return ask_sql(check, look) if isinstance(check, SqlCheck) else ask_http(check, look)


def until_steady(
    checks: Sequence[Check],
    look: Look,
    *,
    bound: float,
    clock: Clock = SYSTEM_CLOCK,
    stopped: threading.Event | None = None,
) -> Steadiness:
    """Ask until all checks hold at one look, or the bound is over; at least once.

    Args:
        checks: what the steady state is made of.
        look: where the services are, around the proxies.
        bound: seconds to wait, by the clock.
        clock: measures and sleeps.
        stopped: ends the wait, when it is set by another thread.
    """
    until = clock.monotonic() + bound
    while True:
        answers = tuple(ask(check, look) for check in checks)
        if all(answer.held for answer in answers):
            return Steadiness(checks=answers, held_at=clock.monotonic())
        if clock.monotonic() >= until:
            return Steadiness(checks=answers, held_at=None)
        if stopped is None:
            clock.sleep(EVERY)
        elif stopped.wait(EVERY):
            return Steadiness(checks=answers, held_at=None)
