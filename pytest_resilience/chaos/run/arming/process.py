"""Faults of the workload itself: it is killed, paused, out of disk space, or its clock jumps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.arming.held import Decision, HeldMessages
from pytest_resilience.chaos.run.arming.order import engine_when
from pytest_resilience.chaos.run.arming.timing import Later, Span
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.run.record import FaultRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.wire import ProxiedService
from pytest_resilience.errors import HarnessError

PAUSE_SECONDS = 1.0
"""How long a pause lasts where nobody says."""


class Target(Protocol):
    """The running workload, as process faults need it."""

    def kill(self) -> None:
        """End it with SIGKILL, its children too."""

    def pause(self) -> None:
        """Stop it, its children too."""

    def unpause(self) -> None:
        """Let it go on."""

    def disk_full(self, path: str, free: int, *, on_full: Callable[[], None]) -> None:
        """Let only `free` more bytes be written below `path`, in every start from now on.

        Raises:
            HarnessError: it cannot be made in this workload; says why.
        """

    def disk_free(self, path: str) -> None:
        """Take that back."""

    def clock_jump(self, by: float) -> None:
        """Let its wall clock jump by so many seconds.

        Raises:
            HarnessError: it cannot be made in this workload; says why.
        """


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
        """End it; safe to call twice."""
        if self._later is not None:
            self._later.stop()
        if self._span.began_at is not None:
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
        return FaultRecord(
            order=self._order,
            receipts=tuple(self._receipts),
            injected_at=self._span.began_at,
            healed_at=self._span.ended_at,
            impossible=self._impossible,
        )

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
            self._target.clock_jump(attributes["by"])
        else:
            self._target.disk_full(
                attributes["path"], attributes["bytes"], on_full=lambda: self._fired(receipt)
            )
            return
        self._fired(receipt)
        if kind in {"kill", "clock_jump"}:
            self._span.finish()

    def _fired(self, receipt: Mapping[str, Any] | None) -> None:
        on = self._order.on or (self._service.name if self._service else "workload")
        self._receipts.append(
            Receipt(
                at=self._clock.now() if receipt is None else self._clock.of_engine(receipt["at"]),
                service=on,
                kind=self._order.kind,
                connection=None if receipt is None else receipt["connection"],
                message=None if receipt is None else receipt["message"],
            )
        )

    def _undo(self) -> None:
        if self._order.kind == "pause":
            self._target.unpause()
        elif self._order.kind == "disk_full":
            self._target.disk_free(self._order.attributes["path"])
