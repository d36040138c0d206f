"""Receipts on the run's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.wire import ProxiedService


def on_clock(receipts: Sequence[Receipt], service: ProxiedService, clock: RunClock) -> tuple[Receipt, ...]:
    """Return the receipts with the run's times instead of those of the service's proxy."""
    return tuple(replace(receipt, at=clock.of_engine(service.began + receipt.at)) for receipt in receipts)
