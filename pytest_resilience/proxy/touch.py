"""Proof that a toxic acted: on which connection, and when it did so first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from pytest_resilience.proxy.toxics.stage import now

KEPT = 10_000
"""Touches that a proxy remembers; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Touch:
    """The first time that a toxic changed anything on a connection.

    Args:
        toxic: its name.
        connection: the connection's number at its proxy.
        client_port: the client's port, where it has one.
        at: seconds on the clock of `stage.now`.
    """

    toxic: str
    connection: int
    client_port: int | None
    at: float


class Touches:
    """What a proxy's toxics have touched, also those that are removed by now."""

    def __init__(self) -> None:
        self._kept: deque[Touch] = deque(maxlen=KEPT)

    def note(self, toxic: str, connection: int, client_port: int | None) -> None:
        """Remember a touch."""
        self._kept.append(Touch(toxic, connection, client_port, now()))

    def of(self, toxic: str) -> list[Touch]:
        """Return a toxic's touches, oldest first."""
        return [touch for touch in self._kept if touch.toxic == toxic]
