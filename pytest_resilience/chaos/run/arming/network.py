"""Network faults: from the start, some time after the first connection, or from an exact message on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_resilience.chaos.fault import Mechanism
from pytest_resilience.chaos.mechanisms import AtMessage, Closed, Toxic
from pytest_resilience.chaos.network_kinds import network_kind
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.arming.held import Decision, HeldMessages
from pytest_resilience.chaos.run.arming.order import engine_when
from pytest_resilience.chaos.run.arming.receipts import on_clock, rows_seen
from pytest_resilience.chaos.run.arming.timing import Later, Span
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.run.record import FaultRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.wire import ProxiedService


class NetworkFault:
    """One network fault as ordered.

    Args:
        order: what was ordered.
        service: on what.
        clock: the run's.
        held: the run's held messages.
        connections: how many connections the workload has made.
    """

    def __init__(
        self,
        order: FaultOrder,
        service: ProxiedService,
        *,
        clock: RunClock,
        held: HeldMessages,
        connections: Callable[[], int],
    ) -> None:
        self._order = order
        self._service = service
        self._held = held
        self._clock = clock
        self._mechanism = _mechanism(order, service, clock.scale)
        self._span = Span(clock, self._mechanism.heal, order.seconds)
        self._hold: str | None = None
        after = order.when.after
        self._later = None if after is None else Later(clock, connections, after, self._inject)

    def begin(self) -> None:
        """Inject it, or begin to wait for its trigger."""
        if self._later is not None:
            self._later.begin()
        elif self._order.when.start:
            self._inject()
        else:
            self._hold = self._held.hold(self._service.proxy, engine_when(self._order.when), self._at_message)

    def heal(self) -> None:
        """End it; safe to call twice."""
        if self._later is not None:
            self._later.stop()
        self._span.finish()
        if self._hold is not None:
            self._service.heal_fault(self._hold)
        for error in (self._span.error, None if self._later is None else self._later.error):
            if error is not None:
                raise error

    @property
    def is_over(self) -> bool:
        """Whether it has healed."""
        return self._span.over.is_set()

    def record(self) -> FaultRecord:
        """Return what is known of it."""
        receipts = on_clock(self._receipts(), self._service, self._clock)
        return FaultRecord(
            order=self._order,
            receipts=receipts,
            injected_at=self._span.began_at,
            healed_at=self._span.ended_at,
            rows_seen=rows_seen(self._order, receipts, self._service, self._hold),
        )

    def _receipts(self) -> Sequence[Receipt]:
        if self._hold is not None and self._order.kind == "down" and self._order.times is None:
            return self._service.receipts(self._hold, kind="down", with_message=True)
        return self._mechanism.receipts()

    def _inject(self) -> None:
        self._mechanism.inject()
        self._span.begin()

    def _at_message(self, _receipt: Mapping[str, Any]) -> Decision:
        self._inject()
        return "drop" if self._order.kind == "down" else "deliver"


def _mechanism(order: FaultOrder, service: ProxiedService, scale: float) -> Mechanism:
    if order.kind == "down":
        if order.times is None:
            return Closed(service)
        # it accepts so many connections and resets them
        reset = {"kind": "reset", "attributes": {}, "when": {"start": True}, "times": order.times}
        return AtMessage(service, "down", reset)
    kind = network_kind(order.kind)
    toxic: dict[str, Any] = {
        "type": kind.toxic,
        "stream": order.stream,
        "toxicity": order.toxicity,
        "attributes": kind.toxic_attributes(_in_real_time(order.attributes, scale)),
    }
    if order.times is not None:
        toxic["connections"] = order.times
    return Toxic(service, order.kind, toxic)


_DURATIONS = ("delay", "jitter", "after")


def _in_real_time(attributes: Mapping[str, Any], scale: float) -> dict[str, Any]:
    return {
        name: value / scale if name in _DURATIONS and scale != 1 else value
        for name, value in attributes.items()
    }
