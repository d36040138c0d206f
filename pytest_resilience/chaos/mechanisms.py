"""How faults are carried out: by closing a proxy, by a toxic on its connections, by a fault at a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pytest_resilience.chaos.leg import PlacedToxic
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.wire import ProxiedService
from pytest_resilience.services.toxiproxy_client import EngineRefusedError


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
    """A toxic on the connections.

    Our engine tells where a toxic of its own acted. A real Toxiproxy tells nothing: there a witness in our
    engine, in front of it, sees the first bytes that go its way.
    """

    service: ProxiedService
    kind: str
    toxic: Mapping[str, Any]
    _added: PlacedToxic | None = None
    _added_at: float = 0.0
    _witness: str | None = None
    _removed: bool = False

    def inject(self) -> None:
        """Add the toxic, and the witness where one is needed."""
        if not self.service.is_ours(self.toxic):
            self._witness = self.service.add_fault(
                {"kind": "delay", "attributes": {"by": 0}, "when": {"start": True}}
            )
        self._added_at = self.service.now()
        self._added = self.service.add_toxic(self.toxic)

    def heal(self) -> None:
        """Remove the toxic; safe where it was never added."""
        if self._added is not None and not self._removed:
            self._removed = True
            self._added.remove()
        if self._witness is not None:
            self.service.heal_fault(self._witness)

    def receipts(self) -> Sequence[Receipt]:
        """Return what the engine, or the witness, saw."""
        if self._added is None:
            return ()
        if self._witness is not None:
            return self.service.receipts(self._witness, kind=self.kind, with_message=False)
        return self.service.touches(self._added.name, kind=self.kind, since=self._added_at)


@dataclass(slots=True)
class AtMessage:
    """A fault at an exact message, carried out by our engine."""

    service: ProxiedService
    kind: str
    order: Mapping[str, Any]
    _fault: str | None = None

    def inject(self) -> None:
        """Arm the fault."""
        __tracebackhide__ = True
        try:
            self._fault = self.service.add_fault(self.order)
        except EngineRefusedError as error:
            if error.status != HTTPStatus.BAD_REQUEST:
                raise
            raise ValueError(f"{self.kind} on {self.service.name}: {error.reason}") from None

    def heal(self) -> None:
        """End the fault, and release what it holds; safe where it was never armed."""
        if self._fault is not None:
            self.service.heal_fault(self._fault)

    def receipts(self) -> Sequence[Receipt]:
        """Return one receipt for each message that was hit."""
        return self.service.receipts(self._fault, kind=self.kind, with_message=True)
