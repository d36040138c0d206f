"""What one captured endpoint keeps: the alerts it accepted, those it rejected, and why."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Generic, TypeVar, overload

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.alert_inbox.fault import DOWN, HANG, EndpointFault, Switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One alert that the real service would have taken.

    Args:
        at: when it was taken, in seconds of the machine's monotonic clock (the one that receipts use).
        body: the parsed JSON object; of an e-mail, its text.
        headers: the request's headers, names in lower case; of an e-mail, the message's.
    """

    at: float
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedEmail(Accepted):
    """One e-mail that was taken, with its envelope."""

    message: EmailMessage
    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One alert that the real service would have refused.

    Args:
        at: when it was refused, in seconds of the machine's monotonic clock.
        status: the HTTP status, or the SMTP reply code, that was answered.
        reasons: why, in the service's own words where they are known.
        body: what was sent, as far as it could be read.
    """

    at: float
    status: int
    reasons: tuple[str, ...]
    body: Any


A = TypeVar("A", bound=Accepted)


class Endpoint(Sequence[A], Generic[A]):
    """The sequence of what was accepted, with the faults of this endpoint as methods.

    `rejected` are those that the service's rules refuse; `faulted` counts what met a fault and is in neither;
    `faults` are all that were made here.
    """

    def __init__(self, name: str, *, arrivals: threading.Condition, clock: Clock = SYSTEM_CLOCK) -> None:
        self.name = name
        self.rejected: list[Rejected] = []
        self.faulted = 0
        self.fault: EndpointFault | None = None
        self.faults: list[EndpointFault] = []
        self._accepted: list[A] = []
        self._arrivals = arrivals
        self._clock = clock
        self._switch: Switch | None = None

    @overload
    def __getitem__(self, index: int) -> A: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[A]: ...
    def __getitem__(self, index: int | slice) -> A | Sequence[A]:
        return self._accepted[index]

    def __len__(self) -> int:
        return len(self._accepted)

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self)} accepted, {len(self.rejected)} rejected, {self.faulted} faulted>"

    def down(self, *, must_fire: bool = True) -> EndpointFault:
        """Refuse connections and break the live ones, until healed."""
        return self._begin(EndpointFault(self.name, DOWN, self._heal, must_fire=must_fire))

    def hang(self, *, must_fire: bool = True) -> EndpointFault:
        """Take connections and never answer, until healed; then the silent connections are broken."""
        return self._begin(EndpointFault(self.name, HANG, self._heal, must_fire=must_fire))

    def respond(
        self,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        must_fire: bool = True,
    ) -> EndpointFault:
        """Answer everything with this status, until healed.

        Args:
            status: an HTTP status from 200 to 599; for e-mail an SMTP reply code from 400 to 599.
            headers: more headers of the answer, such as `Retry-After`; e-mail has none and ignores them.
            body: its body (e-mail: the reply's text); default: what the real service says with that status.
            must_fire: fail a test with the fixture `alert_inbox` as unproven where nothing met it.

        Raises:
            HarnessError: if the status cannot be answered, or another fault is on.
        """
        if not 200 <= status <= 599:
            raise HarnessError(f"{self.name}.respond({status!r}): give a status from 200 to 599.")
        content = body.encode() if isinstance(body, str) else body
        fault = EndpointFault(
            self.name,
            f"respond {status}",
            self._heal,
            status=status,
            headers=dict(headers or {}),
            body=content,
            must_fire=must_fire,
        )
        return self._begin(fault)

    def attach(self, switch: Switch) -> None:
        """Name what carries the faults out; the inbox does this when it starts."""
        self._switch = switch

    def accept(self, make: Callable[[float], A]) -> None:
        """Keep what `make` returns for the time of now, and wake whoever waits."""
        with self._arrivals:
            self._accepted.append(make(self._clock.monotonic()))
            self._arrivals.notify_all()

    def reject(self, *, status: int, reasons: Sequence[str], body: Any) -> None:
        """Keep why this was refused, and wake whoever waits."""
        with self._arrivals:
            at = self._clock.monotonic()
            self.rejected.append(Rejected(at=at, status=status, reasons=tuple(reasons), body=body))
            self._arrivals.notify_all()

    def meet(self, fault: EndpointFault) -> None:
        """Count that something met the fault, and wake whoever waits."""
        with self._arrivals:
            self.faulted += 1
            fault.fired = True
            self._arrivals.notify_all()

    def _begin(self, fault: EndpointFault) -> EndpointFault:
        if self._switch is None:
            raise HarnessError(f"{self.name} is not running: enter the AlertInbox before injecting a fault.")
        if self.fault is not None:
            raise HarnessError(f"{self.name} already has the fault '{self.fault.kind}': heal it first.")
        self.fault = fault
        try:
            self._switch(fault, on=True)
        except BaseException:
            self.fault = None
            raise
        self.faults.append(fault)
        return fault

    def _heal(self, fault: EndpointFault) -> None:
        if self.fault is not fault or self._switch is None:
            return
        self.fault = None
        self._switch(fault, on=False)
