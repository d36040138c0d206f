"""Messages that wait for the controller's decision, on a lease: a dead controller blocks nobody for ever."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from pytest_resilience.proxy.faults.receipts import Receipt

REMEMBERED = 1_000
"""Decided holds that can still be read."""


class Decision(StrEnum):
    """What becomes of a held message; the controller may say the first four."""

    DELIVER = "deliver"
    DROP = "drop"
    CUT = "cut"
    RESET = "reset"
    EXPIRED = "expired"
    HEALED = "healed"
    GONE = "gone"


CONTROLLERS = (Decision.DELIVER, Decision.DROP, Decision.CUT, Decision.RESET)


class DecidedError(Exception):
    """Say that it was decided otherwise before."""


class Hold:
    """One held message.

    Args:
        number: its own.
        receipt_number: its receipt's.
        receipt: its receipt.
        carry_out: does as decided.
    """

    def __init__(
        self, number: int, receipt_number: int, receipt: Receipt, carry_out: Callable[[Decision], None]
    ) -> None:
        self.number = number
        self.receipt = receipt
        self.client_gone = False
        self.expires_at = 0.0
        self.renew: Callable[[float], None] = _nothing
        self._receipt_number = receipt_number
        self._carry_out = carry_out

    def decide(self, decision: Decision) -> None:
        """Decide on the message; the same again changes nothing.

        Raises:
            DecidedError: it was decided otherwise before.
        """
        if self.receipt.decision == decision:
            return
        self._check_open()
        self.receipt.decision = str(decision)
        self._carry_out(decision)

    def extend(self, seconds: float) -> None:
        """Let the lease run out so many seconds from now.

        Raises:
            DecidedError: nothing waits any more.
        """
        self._check_open()
        self.renew(seconds)

    def _check_open(self) -> None:
        if self.receipt.decision is not None:
            raise DecidedError(f"hold {self.number} was decided before: {self.receipt.decision}")

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        receipt = self.receipt
        return {
            "id": self.number,
            "receipt": self._receipt_number,
            "fault": receipt.fault,
            "proxy": receipt.proxy,
            "connection": receipt.connection,
            "client_port": receipt.client_port,
            "message": receipt.message,
            "side": receipt.side,
            "expires_at": self.expires_at,
            "client_gone": self.client_gone,
            "decision": receipt.decision,
        }


class HoldBook:
    """All holds of an engine."""

    def __init__(self) -> None:
        self._holds: dict[int, Hold] = {}
        self._made = 0

    def open(self, receipt_number: int, receipt: Receipt, carry_out: Callable[[Decision], None]) -> Hold:
        """Open a hold."""
        self._made += 1
        hold = Hold(self._made, receipt_number, receipt, carry_out)
        receipt.hold = hold.number
        self._forget_old()
        self._holds[hold.number] = hold
        return hold

    def get(self, number: int) -> Hold | None:
        """Return a hold, decided or not."""
        return self._holds.get(number)

    def waiting(self) -> list[Hold]:
        """Return those that are not decided."""
        return [hold for hold in self._holds.values() if hold.receipt.decision is None]

    def _forget_old(self) -> None:
        decided = [number for number, hold in self._holds.items() if hold.receipt.decision is not None]
        for number in decided[: max(0, len(decided) - REMEMBERED)]:
            del self._holds[number]


def _nothing(_seconds: float) -> None:
    pass
