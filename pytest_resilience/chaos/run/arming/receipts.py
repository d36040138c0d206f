"""Receipts on the run's clock, and what a fault that left none has counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.wire import ProxiedService


def on_clock(receipts: Sequence[Receipt], service: ProxiedService, clock: RunClock) -> tuple[Receipt, ...]:
    """Return the receipts with the run's times instead of those of the service's proxy."""
    return tuple(replace(receipt, at=clock.of_engine(service.began + receipt.at)) for receipt in receipts)


def rows_seen(
    order: FaultOrder, receipts: Sequence[Receipt], service: ProxiedService | None, fault: str | None
) -> int | None:
    """Return how many rows the trigger of a fault has counted; none where it fired, or counts none."""
    if order.when.rows is None or receipts or service is None or fault is None:
        return None
    return service.rows_seen(fault)
