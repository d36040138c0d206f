"""One proxy on the way from the code under test to a service, on whichever engine it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Carrier(Protocol):
    """An engine that carries network faults: ours, or a real Toxiproxy."""

    def delete_proxy(self, name: str) -> None:
        """Remove a proxy and end its connections."""

    def set_enabled(self, name: str, *, enabled: bool) -> None:
        """Open or close a proxy's listener, and see that it is."""

    def toxics(self, proxy: str) -> list[dict[str, Any]]:
        """Return a proxy's toxics."""

    def add_toxic(self, proxy: str, toxic: Mapping[str, Any]) -> str:
        """Add a toxic, see that it is there, and return its name."""

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Remove a toxic, and see that it is gone."""


@dataclass(frozen=True, slots=True)
class PlacedToxic:
    """A toxic where it was added."""

    carrier: Carrier
    proxy: str
    name: str

    def remove(self) -> None:
        """Remove it, and see that it is gone."""
        self.carrier.remove_toxic(self.proxy, self.name)


@dataclass(frozen=True, slots=True)
class Leg:
    """One proxy on the way.

    Args:
        carrier: the engine that runs it.
        proxy: its name there.
    """

    carrier: Carrier
    proxy: str

    def end(self) -> None:
        """Remove it with all its connections."""
        self.carrier.delete_proxy(self.proxy)

    def set_enabled(self, *, enabled: bool) -> None:
        """Open or close its listener, and see that it is."""
        self.carrier.set_enabled(self.proxy, enabled=enabled)

    def add_toxic(self, toxic: Mapping[str, Any]) -> PlacedToxic:
        """Add a toxic under a name of its own."""
        taken = {known["name"] for known in self.carrier.toxics(self.proxy)}
        number = next(n for n in range(1, len(taken) + 2) if f"{toxic['type']}-{n}" not in taken)
        name = self.carrier.add_toxic(self.proxy, {**toxic, "name": f"{toxic['type']}-{number}"})
        return PlacedToxic(self.carrier, self.proxy, name)
