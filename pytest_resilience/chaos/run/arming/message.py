"""Faults at an exact message: the engine carries them out by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_resilience.chaos.run.arming.held import HeldMessages
from pytest_resilience.chaos.run.arming.order import engine_order
from pytest_resilience.chaos.run.arming.receipts import on_clock, rows_seen
from pytest_resilience.chaos.run.arming.timing import Span
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.run.record import FaultRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.wire import ProxiedService

LASTING = ("hang", "slow")
"""Kinds that go on after they have struck, until they heal."""


class MessageFault:
    """One fault at a message as ordered.

    Args:
        order: what was ordered.
        service: on what.
        clock: the run's.
        held: the run's held messages, which tell when it has struck.
    """

    def __init__(
        self, order: FaultOrder, service: ProxiedService, *, clock: RunClock, held: HeldMessages
    ) -> None:
        self._order = order
        self._service = service
        self._clock = clock
        self._held = held
        self._fault: str | None = None
        self._strokes = 0
        self._span = Span(clock, self._end, order.seconds)

    def begin(self) -> None:
        """Arm it."""
        attributes = dict(self._order.attributes)
        if "by" in attributes:
            attributes["by"] /= self._clock.scale
        order = engine_order(self._order, self._order.kind, attributes)
        if "after" in order["when"]:
            order["when"] = {"after": self._clock.real(order["when"]["after"])}
        self._fault = self._held.watch(self._service.proxy, order, self._struck)

    def heal(self) -> None:
        """End it; safe to call twice."""
        if self._fault is None:
            return
        self._span.finish()
        if self._span.began_at is None:
            self._end()
        if self._span.error is not None:
            raise self._span.error

    @property
    def is_over(self) -> bool:
        """Whether it has struck as often as ordered, and nothing of it lasts."""
        if self._span.over.is_set():
            return True
        times = self._order.times or 1
        lasting = self._order.kind in LASTING or self._order.seconds is not None
        return not lasting and self._strokes >= times

    def record(self) -> FaultRecord:
        """Return what is known of it."""
        told = self._service.receipts(self._fault, kind=self._order.kind, with_message=True)
        receipts = on_clock(told, self._service, self._clock)
        healed = self._span.ended_at
        if receipts and self._order.kind not in LASTING and self._order.seconds is None:
            healed = receipts[-1].at
        return FaultRecord(
            order=self._order,
            receipts=receipts,
            injected_at=self._span.began_at,
            healed_at=healed,
            id=self._fault,
            rows_seen=rows_seen(self._order, receipts, self._service, self._fault),
        )

    def _struck(self, _receipt: Mapping[str, Any]) -> None:
        self._span.begin()
        self._strokes += 1

    def _end(self) -> None:
        if self._fault is not None:
            self._service.heal_fault(self._fault)
