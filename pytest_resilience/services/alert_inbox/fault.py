"""A fault of a captured endpoint: begins when it is made, heals by `heal()` or at the end of its `with`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

DOWN = "down"
HANG = "hang"


class Switch(Protocol):
    """Turn a fault on or off, and return when that is done."""

    def __call__(self, fault: EndpointFault, *, on: bool) -> None:
        """Turn it on, or off."""


@dataclass(eq=False, slots=True)
class EndpointFault:
    """One fault of one endpoint.

    Args:
        endpoint: the endpoint's name.
        kind: `down`, `hang` or `respond N`.
        status: what `respond` answers, with `headers` and `body`; None for the other kinds.
        fired: whether anything met it; `down` has fired once the port refuses, since the kernel answers.
        must_fire: fail a test with the fixture `alert_inbox` as unproven where nothing met it.
        healed: lets go of the connections that `hang` holds; belongs to the inbox's event loop.
    """

    endpoint: str
    kind: str
    _heal: Callable[[EndpointFault], None]
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    fired: bool = False
    must_fire: bool = True
    healed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.kind} on {self.endpoint}"

    @property
    def unproven(self) -> bool:
        """Whether nothing has met it, although something must."""
        return self.must_fire and not self.fired

    def heal(self) -> None:
        """Put the endpoint right again; safe to call twice."""
        self._heal(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heal()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heal()
