"""Faults of the workload itself: it is killed, paused, out of disk space, or its clock jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.arming.held import Decision, HeldMessages
from pytest_resilience.chaos.run.arming.order import engine_when
from pytest_resilience.chaos.run.arming.receipts import rows_seen
from pytest_resilience.chaos.run.arming.timing import Later, Span
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.run.record import FaultRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.wire import ProxiedService
from pytest_resilience.errors import HarnessError

PAUSE_SECONDS = 1.0
"""How long a pause lasts where nobody says."""


INNER = ("disk_full", "clock_jump")
"""Kinds that are made inside the process."""


class InnerReceipt(Protocol):
    """What the process itself reports."""

    @property
    def at(self) -> float:
        """The moment of CLOCK_MONOTONIC."""

    @property
    def kind(self) -> str:
        """Of which fault."""

    @property
    def order(self) -> int | None:
        """Which order."""

    @property
    def path(self) -> str | None:
        """The file that could not be written."""


class Inside(Protocol):
    """What is changed inside the process."""

    @property
    def receipts(self) -> Sequence[InnerReceipt]:
        """What it has reported."""

    def disk_full(self, path: str, allowed: int) -> int:
        """Let only so many more bytes be written below a path; return the order's number."""

    def heal_disk(self, order: int) -> None:
        """Take that back."""

    def clock_jump(self, by: float) -> None:
        """Let its wall clock jump."""


class Target(Protocol):
    """The running workload, as process faults need it."""

    def kill(self) -> None:
        """End it with SIGKILL, its children too."""

    def pause(self) -> None:
        """Stop it, its children too."""

    def unpause(self) -> None:
        """Let it go on."""

    @property
    def inside(self) -> Inside:
        """What is changed inside it."""

    @property
    def untweaked_reason(self) -> str | None:
        """Why nothing can be changed inside it; none where it can."""


class ProcessFault:
    """One fault of the workload as ordered.

    Args:
        order: what was ordered.
        target: the workload.
        service: whose messages are watched; none where the order has a time.
        clock: the run's.
        held: the run's held messages.
        connections: how many connections the workload has made.
    """

    def __init__(
        self,
        order: FaultOrder,
        target: Target,
        service: ProxiedService | None,
        *,
        clock: RunClock,
        held: HeldMessages,
        connections: Callable[[], int],
    ) -> None:
        self._order = order
        self._target = target
        self._service = service
        self._clock = clock
        self._held = held
        self._receipts: list[Receipt] = []
        self._hold: str | None = None
        self._impossible: str | None = None
        self._disk: int | None = None
        self._span = Span(clock, self._undo, self._seconds())
        after = order.when.after
        self._later = None if after is None else Later(clock, connections, after, self._now)

    def begin(self) -> None:
        """Act at once, or begin to wait for the trigger."""
        if self._later is not None:
            self._later.begin()
        elif self._order.when.start:
            self._now()
        elif self._service is not None:
            times = self._order.times or 1
            when = engine_when(self._order.when)
            self._hold = self._held.hold(self._service.proxy, when, self._at_message, times=times)

    def started(self) -> None:
        """Do what is ordered for the start and needs a process."""
        if self._order.when.start and self._order.kind in {"kill", "pause"} and not self._receipts:
            self._act(None)

    def heal(self) -> None:
        """End it, once what it is doing at a message is done; safe to call twice."""
        self._held.settle()
        if self._later is not None:
            self._later.stop()
        self._span.finish()
        if self._hold is not None and self._service is not None:
            self._service.heal_fault(self._hold)
        for error in (self._span.error, None if self._later is None else self._later.error):
            if error is not None:
                raise error

    @property
    def is_over(self) -> bool:
        """Whether it has fired as ordered and nothing of it lasts."""
        return self._span.over.is_set() or self._impossible is not None

    def record(self) -> FaultRecord:
        """Return what is known of it."""
        inner = self._order.kind in INNER
        receipts = tuple(self._inner_receipts() if inner else self._receipts)
        return FaultRecord(
            order=self._order,
            receipts=receipts,
            injected_at=self._span.began_at,
            healed_at=self._span.ended_at,
            impossible=self._impossible or (self._target.untweaked_reason if inner else None),
            rows_seen=rows_seen(self._order, receipts, self._service, self._hold),
        )

    def _inner_receipts(self) -> Iterator[Receipt]:
        if self._span.began_at is None:
            return
        for told in self._target.inside.receipts:
            if told.kind == self._order.kind and told.order in {None, self._disk}:
                at = self._clock.of_monotonic(told.at)
                yield Receipt(at=at, service=self._on, kind=told.kind, message=told.path)

    def _seconds(self) -> float | None:
        if self._order.kind in {"kill", "clock_jump"}:
            return None
        if self._order.kind == "pause":
            return self._order.seconds or PAUSE_SECONDS
        return self._order.seconds

    def _now(self) -> None:
        if not (self._order.when.start and self._order.kind in {"kill", "pause"}):
            self._act(None)

    def _at_message(self, receipt: Mapping[str, Any]) -> Decision:
        self._act(receipt)
        if self._order.kind != "kill":
            return "deliver"
        return "deliver" if self._order.attributes.get("deliver", False) else "drop"

    def _act(self, receipt: Mapping[str, Any] | None) -> None:
        try:
            self._strike(receipt)
        except HarnessError as error:
            self._impossible = str(error)

    def _strike(self, receipt: Mapping[str, Any] | None) -> None:
        self._span.begin()
        kind, attributes = self._order.kind, self._order.attributes
        if kind == "kill":
            self._target.kill()
        elif kind == "pause":
            self._target.pause()
        elif kind == "clock_jump":
            self._target.inside.clock_jump(attributes["by"])
        elif self._disk is None:
            self._disk = self._target.inside.disk_full(
                attributes.get("path", "."), attributes.get("bytes", 0)
            )
        self._fired(receipt)
        if kind in {"kill", "clock_jump"}:
            self._span.finish()

    def _fired(self, receipt: Mapping[str, Any] | None) -> None:
        self._receipts.append(
            Receipt(
                at=self._clock.now() if receipt is None else self._clock.of_engine(receipt["at"]),
                service=self._on,
                kind=self._order.kind,
                connection=None if receipt is None else receipt["connection"],
                message=None if receipt is None else receipt["message"],
            )
        )

    def _undo(self) -> None:
        if self._order.kind == "pause":
            self._target.unpause()
        elif self._order.kind == "disk_full":
            self._heal_disk()

    def _heal_disk(self) -> None:
        if self._disk is not None:
            self._target.inside.heal_disk(self._disk)

    @property
    def _on(self) -> str:
        return self._order.on or "workload"
