"""Receipts: proof that a fault has struck, when, and what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.proxy.faults.journal import Journal

KEPT = 100_000


@dataclass(slots=True, kw_only=True)
class Receipt:
    """One stroke of a fault.

    Args:
        fault: its id.
        kind: what it did.
        proxy: where.
        at: seconds since the engine started.
        time: seconds since the epoch.
        connection: the connection's number at its proxy.
        client_port: the client's TCP port.
        message: what was struck.
        side: which way that went.
        nth: which match it was.
        hold: the id of the hold, if it waits for a decision.
        decision: what was decided.
    """

    fault: str
    kind: str
    proxy: str
    at: float
    time: float
    connection: int
    client_port: int | None
    message: str
    side: str
    nth: int
    hold: int | None = None
    decision: str | None = None


class ReceiptBook:
    """All receipts of an engine.

    Args:
        now: seconds since the engine started.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.journal: Journal[Receipt] = Journal(KEPT)

    def leave(self, **facts: Any) -> tuple[int, Receipt]:
        """Write a receipt of this moment; return its number too."""
        receipt = Receipt(at=self._now(), time=SYSTEM_CLOCK.time(), **facts)
        return self.journal.write(receipt), receipt

    def since(self, number: int, *, proxy: str | None, fault: str | None) -> Iterator[dict[str, Any]]:
        """Return the receipts with greater numbers, of one proxy or fault where these are given."""
        for found, receipt in self.journal.since(number):
            if proxy in {None, receipt.proxy} and fault in {None, receipt.fault}:
                yield receipt_json(found, receipt)


def receipt_json(number: int, receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as the API shows it."""
    return {"id": number, **asdict(receipt)}
