"""One service behind its own proxy, as a test sees it: what the fault mechanisms need of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_resilience.chaos.fault import Fault, Mechanism
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.services.toxiproxy import EngineClient


@dataclass(slots=True)
class ProxiedService:
    """A proxy of this test in front of one service.

    Args:
        name: the service's name, and its proxy's.
        engine: the client of the engine that runs the proxy.
        listen: `host:port` where the code under test comes in.
        began: the engine's time at which the test began, seconds.
        faults: every fault that was made for it.
    """

    name: str
    engine: EngineClient
    listen: str
    began: float
    faults: list[Fault] = field(default_factory=list)
    _closings: int = 0

    @classmethod
    def begin(
        cls,
        name: str,
        upstream: str,
        *,
        engine: EngineClient,
        protocol: str | None,
    ) -> ProxiedService:
        """Make the proxy, with a free loopback port."""
        listen = engine.create_proxy(name, upstream)
        try:
            engine.watch(name, protocol=protocol)
        except BaseException:
            engine.delete_proxy(name)
            raise
        return cls(name, engine, listen, engine.now())

    def end(self) -> None:
        """Remove the proxy with all its connections."""
        self.engine.delete_proxy(self.name)

    @property
    def host(self) -> str:
        """The loopback address that the proxy listens on."""
        return self.listen.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port that the proxy listens on."""
        return int(self.listen.rpartition(":")[2])

    def now(self) -> float:
        """Return the seconds since the test began."""
        return self.engine.now() - self.began

    def fault(
        self,
        kind: str,
        mechanism: Mechanism,
        *,
        where: str = "",
        duration: float | None = None,
        must_fire: bool = True,
    ) -> Fault:
        """Make a fault of this service, and note it."""
        name = f"{kind} on {self.name}{where}"
        fault = Fault(name, mechanism, duration=duration, must_fire=must_fire)
        self.faults.append(fault)
        return fault

    def close(self) -> None:
        """Close the listener; every closing needs an opening of its own."""
        self._closings += 1
        self.engine.set_enabled(self.name, enabled=False)

    def open(self) -> None:
        """Take one closing back, and open the listener with the last one."""
        self._closings = max(0, self._closings - 1)
        if self._closings == 0:
            self.engine.set_enabled(self.name, enabled=True)

    def add_toxic(self, toxic: Mapping[str, Any]) -> str:
        """Add a toxic under a name of its own, and return the name."""
        taken = {known["name"] for known in self.engine.toxics(self.name)}
        number = next(n for n in range(1, len(taken) + 2) if f"{toxic['type']}-{n}" not in taken)
        return self.engine.add_toxic(self.name, {**toxic, "name": f"{toxic['type']}-{number}"})

    def remove_toxic(self, name: str) -> None:
        """Remove a toxic."""
        self.engine.remove_toxic(self.name, name)

    def add_fault(self, order: Mapping[str, Any]) -> str:
        """Arm a fault at a message, and return its id."""
        return self.engine.add_fault(self.name, order)

    def heal_fault(self, fault: str) -> None:
        """End a fault at a message."""
        self.engine.heal_fault(self.name, fault)

    def receipts(self, fault: str | None, *, kind: str, with_message: bool) -> Sequence[Receipt]:
        """Return the receipts that a fault has left, none before it was armed."""
        if fault is None:
            return ()
        return [
            Receipt(
                at=receipt["at"] - self.began,
                service=self.name,
                kind=kind,
                connection=receipt["connection"],
                message=receipt["message"] if with_message else None,
            )
            for receipt in self.engine.receipts(proxy=self.name, fault=fault)
            if receipt["at"] >= self.began  # an earlier test's proxy had the same name
        ]
