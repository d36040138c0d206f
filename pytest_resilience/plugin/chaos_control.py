"""The `chaos` fixture's object: faults by name, and what they hit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_resilience.chaos.fault import Fault
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class ChaosControl:
    """Inject faults by name.

    Args:
        seed: what every random draw of this run follows from.
    """

    _sandbox: Sandbox
    seed: int

    def inject(
        self, service: str, kind: str, *, when: Mapping[str, Any] | None = None, **attributes: Any
    ) -> Fault:
        """Return the fault of that kind on that service, as a context manager.

        Args:
            service: the service's name.
            kind: a network fault, or with `when` a fault at a message; the names are those of the handles' methods.
            when: the trigger: `{"message": "COMMIT", "side": "reply"}`, `{"request": "GET /health"}`, ...
            attributes: the fault's own.

        Raises:
            UnknownServiceError: there is no such service.
            ValueError: there is no such kind, or a value means nothing.
            TypeError: an attribute is unknown or missing.
        """
        __tracebackhide__ = True
        return self._sandbox.inject(service, kind, when=when, **attributes)

    @property
    def receipts(self) -> list[Receipt]:
        """What the faults of this test have hit, in order."""
        return self._sandbox.receipts
