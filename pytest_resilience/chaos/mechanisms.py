"""How faults are carried out: by closing a proxy, by a toxic on its connections, by a fault at a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_resilience.chaos.leg import PlacedToxic
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.wire import ProxiedService


@dataclass(slots=True)
class Closed:
    """The service is down: its listeners are closed and its connections have ended.

    The kernel refuses who comes, so nobody sees it; the proof is that the closed listener was read back.
    """

    service: ProxiedService
    _receipts: list[Receipt] = field(default_factory=list)

    def inject(self) -> None:
        """Close the listeners; each engine reads back that its own is closed."""
        self.service.close()
        self._receipts.append(Receipt(at=self.service.now(), service=self.service.name, kind="down"))

    def heal(self) -> None:
        """Open the listeners again, unless another fault still keeps them closed."""
        self.service.open()

    def receipts(self) -> Sequence[Receipt]:
        """Return the one receipt of the closed listener."""
        return self._receipts


@dataclass(slots=True)
class Toxic:
    """A toxic on the connections, with a witness at the proxy that sees the first bytes it acts on."""

    service: ProxiedService
    kind: str
    toxic: Mapping[str, Any]
    _placed: PlacedToxic | None = None
    _witness: str | None = None

    def inject(self) -> None:
        """Add the toxic and the witness."""
        self._witness = self.service.add_fault(
            {"kind": "delay", "attributes": {"by": 0}, "when": {"start": True}}
        )
        self._placed = self.service.add_toxic(self.toxic)

    def heal(self) -> None:
        """Remove the toxic; safe where it was never added."""
        placed, self._placed = self._placed, None
        if placed is not None:
            placed.remove()
        if self._witness is not None:
            self.service.heal_fault(self._witness)

    def receipts(self) -> Sequence[Receipt]:
        """Return the witness's receipt, in the fault's own name."""
        return self.service.receipts(self._witness, kind=self.kind, with_message=False)


@dataclass(slots=True)
class AtMessage:
    """A fault at an exact message, carried out by our engine."""

    service: ProxiedService
    kind: str
    order: Mapping[str, Any]
    _fault: str | None = None

    def inject(self) -> None:
        """Arm the fault."""
        self._fault = self.service.add_fault(self.order)

    def heal(self) -> None:
        """End the fault, and release what it holds; safe where it was never armed."""
        if self._fault is not None:
            self.service.heal_fault(self._fault)

    def receipts(self) -> Sequence[Receipt]:
        """Return one receipt for each message that was hit."""
        return self.service.receipts(self._fault, kind=self.kind, with_message=True)
