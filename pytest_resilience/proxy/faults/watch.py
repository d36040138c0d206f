"""What the engine watches at one proxy: its protocol, its faults, and the trace of its messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_resilience.proxy.faults.configuration import Configuration, configuration_json
from pytest_resilience.proxy.faults.fault import Fault
from pytest_resilience.proxy.faults.holds import HoldBook
from pytest_resilience.proxy.faults.point import Point, Side
from pytest_resilience.proxy.faults.receipts import Receipt, ReceiptBook
from pytest_resilience.proxy.faults.trace import Trace


@dataclass(frozen=True, slots=True, eq=False)
class Strike:
    """A fault has struck a message.

    Args:
        fault: which.
        number: its receipt's number.
        receipt: its receipt.
        match: which of the message's matches it strikes, from 1.
    """

    fault: Fault
    number: int
    receipt: Receipt
    match: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What all proxies of an engine write into.

    Args:
        now: seconds since the engine started.
        receipts: proof of what faults did.
        holds: what waits for a decision.
    """

    now: Callable[[], float]
    receipts: ReceiptBook
    holds: HoldBook


class Watch:
    """One proxy under watch.

    Args:
        proxy: its name.
        books: of the engine.
    """

    def __init__(self, proxy: str, books: Books) -> None:
        self.proxy = proxy
        self.books = books
        self.faults: dict[str, Fault] = {}
        self.trace = Trace()
        self.configuration = Configuration()
        self.connections = 0
        self.request_faults: tuple[Fault, ...] = ()
        self.reply_faults: tuple[Fault, ...] = ()
        self.was_armed = False
        self._first_connection: float | None = None

    @property
    def age(self) -> float:
        """Seconds since the first connection; negative before."""
        return -1.0 if self._first_connection is None else self.books.now() - self._first_connection

    def connected(self) -> None:
        """Count a connection."""
        self.connections += 1
        if self._first_connection is None:
            self._first_connection = self.books.now()

    def as_json(self) -> dict[str, Any]:
        """Return how the proxy is watched as the API shows it."""
        return {
            "proxy": self.proxy,
            **configuration_json(self.configuration),
            "connections": self.connections,
        }

    def free_id(self) -> str:
        """Return an id that no fault has."""
        number = len(self.faults) + 1
        while f"fault-{number}" in self.faults:
            number += 1
        return f"fault-{number}"

    def add(self, fault: Fault) -> None:
        """Arm a fault."""
        self.was_armed = True
        self.faults[fault.id] = fault
        self._sort()

    def heal(self, fault: Fault) -> None:
        """End a fault; safe to call twice."""
        fault.healed = True
        self._sort()  # before what it holds goes on, in which it would strike again
        fault.heal()

    def strike(self, point: Point, client_port: int | None) -> list[Strike]:
        """Show a message to all faults that watch it; those that strike leave receipts."""
        watching = self.request_faults if point.side is Side.REQUEST else self.reply_faults
        strikes = []
        for fault in watching:
            before = fault.seen
            if (nth := fault.strike(point)) is not None:
                strikes.append(self._struck(fault, nth, point, client_port, match=nth - before))
        if any(fault.is_spent for fault in watching):
            self._sort()
        return strikes

    def force(self, fault: Fault, point: Point, client_port: int | None) -> Strike:
        """Let a fault strike a message although its count has come about otherwise than foreseen."""
        strike = self._struck(fault, fault.force(), point, client_port)
        self._sort()
        return strike

    def _struck(
        self, fault: Fault, nth: int, point: Point, client_port: int | None, *, match: int = 1
    ) -> Strike:
        number, receipt = self.books.receipts.leave(
            fault=fault.id,
            kind=fault.kind.name,
            proxy=self.proxy,
            connection=point.connection,
            client_port=client_port,
            message=fault.trigger.label(point),
            side=str(point.side),
            nth=nth,
        )
        what = f"{receipt.kind} at {receipt.message}, {receipt.side}"
        self.trace.notice(receipt.at, receipt.connection, what, fault.id)
        return Strike(fault, number, receipt, match)

    def _sort(self) -> None:
        watching = [fault for fault in self.faults.values() if fault.is_watching]
        self.request_faults = tuple(fault for fault in watching if fault.watches(Side.REQUEST))
        self.reply_faults = tuple(fault for fault in watching if fault.watches(Side.REPLY))
