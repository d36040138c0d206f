"""One service behind its own proxies, as a test sees it: what the fault mechanisms need of the engines.

The code under test meets our engine first. Where a real Toxiproxy carries the network faults it stands behind
ours, in front of the server: client, our engine, Toxiproxy, server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain, count
from typing import Any, Protocol

from pytest_resilience.chaos.fault import Fault, Mechanism
from pytest_resilience.chaos.leg import Leg, PlacedToxic
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.toxiproxy_limits import beyond_toxiproxy
from pytest_resilience.services.engine import EngineClient
from pytest_resilience.services.supervised_toxiproxy import SupervisedToxiproxy
from pytest_resilience.services.toxiproxy_client import EngineRefusedError


class Place(Protocol):
    """A place in the traffic where a fault can go."""

    @property
    def asked(self) -> str:
        """How a test asked for it."""

    @property
    def kinds(self) -> Sequence[str]:
        """The faults that can go there."""


@dataclass(slots=True, repr=False)
class ProxiedService:
    """The proxies of this test in front of one service.

    Args:
        name: the service's name.
        proxy: what its proxy on our engine is called.
        engine: the client of our engine, which the code under test meets first.
        listen: `host:port` where the code under test comes in.
        began: the engine's time at which the test began, seconds.
        network: the proxy that carries the network faults; it is the first one where our engine does that too.
        faults: every fault that was made for it.
        points: the places that a test named and set no fault at until now, by identity.
    """

    name: str
    engine: EngineClient
    listen: str
    began: float
    network: Leg
    proxy: str
    faults: list[Fault] = field(default_factory=list)
    points: dict[int, Place] = field(default_factory=dict)
    _closings: int = 0

    def __repr__(self) -> str:
        """Return its name alone."""
        return f"<proxied {self.name!r}>"

    @classmethod
    def begin(
        cls,
        name: str,
        upstream: str,
        *,
        engine: EngineClient,
        protocol: str | None,
        toxiproxy: SupervisedToxiproxy | None = None,
        settings: Mapping[str, Any] | None = None,
        began: float | None = None,
    ) -> ProxiedService:
        """Make the proxies, on free loopback ports.

        Args:
            name: the service's name.
            upstream: where the server is, as a proxy takes it.
            engine: the client of our engine.
            protocol: what the connections speak, `postgres`, `http` or `tcp`; none passes bytes unseen.
            toxiproxy: the real Toxiproxy that carries the network faults, if not our engine.
            settings: what else our engine is told of the connections: `tls`, `upstream_tls`, `host`.
            began: the engine's time at which the test began; by default now.
        """
        with ExitStack() as undo:
            network, listen, proxy = _first_free(name, engine, toxiproxy, upstream, undo)
            engine.watch(proxy, protocol=protocol, settings=settings)
            made = cls(name, engine, listen, engine.now() if began is None else began, network, proxy)
            undo.pop_all()
        return made

    def end(self) -> None:
        """Remove the proxies with all their connections."""
        with ExitStack() as each:  # the others even where one fails
            for leg in reversed(self._legs):
                each.callback(leg.end)

    @property
    def host(self) -> str:
        """The loopback address that the first proxy listens on."""
        return self.listen.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port that the first proxy listens on."""
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
        """Close the listeners, the one that clients meet first; every closing needs an opening of its own."""
        self._closings += 1
        for leg in self._legs:
            leg.set_enabled(enabled=False)

    def open(self) -> None:
        """Take one closing back, and open the listeners with the last one, the one that clients meet last."""
        self._closings = max(0, self._closings - 1)
        if self._closings == 0:
            with ExitStack() as each:  # backwards, and the others even where one fails
                for leg in self._legs:
                    each.callback(leg.set_enabled, enabled=True)

    def add_toxic(self, toxic: Mapping[str, Any]) -> PlacedToxic:
        """Add a toxic, on our engine where a real Toxiproxy could not carry it."""
        return (self._first if self.is_ours(toxic) else self.network).add_toxic(toxic)

    def is_ours(self, toxic: Mapping[str, Any]) -> bool:
        """Tell whether our engine carries the toxic, and can tell where it acted."""
        return self.network == self._first or beyond_toxiproxy(toxic)

    def add_fault(self, order: Mapping[str, Any]) -> str:
        """Arm a fault at a message, and return its id."""
        __tracebackhide__ = True
        return self.engine.add_fault(self.proxy, order)

    def heal_fault(self, fault: str) -> None:
        """End a fault at a message."""
        self.engine.heal_fault(self.proxy, fault)

    def rows_seen(self, fault: str) -> int | None:
        """Return how many rows a fault's trigger has counted; none where it counts none."""
        rows: int | None = self.engine.fault(self.proxy, fault)["rows_seen"]
        return rows

    def receipts(self, fault: str | None, *, kind: str, with_message: bool) -> Sequence[Receipt]:
        """Return the receipts that a fault has left, none before it was armed."""
        if fault is None:
            return ()
        told = self.engine.receipts(proxy=self.proxy, fault=fault)
        return self._receipts(told, kind=kind, since=self.began, with_message=with_message)

    def touches(self, toxic: str, *, kind: str, since: float) -> Sequence[Receipt]:
        """Return a receipt for each connection on which our engine saw a toxic act.

        Args:
            toxic: its name.
            kind: the fault kind that it carries out.
            since: the test's time at which it was added, seconds; an earlier one had the same name.
        """
        told = self.engine.touches(self.proxy, toxic)
        return self._receipts(told, kind=kind, since=self.began + since, with_message=False)

    def _receipts(
        self, told: Sequence[Mapping[str, Any]], *, kind: str, since: float, with_message: bool
    ) -> Sequence[Receipt]:
        return [
            Receipt(
                at=receipt["at"] - self.began,
                service=self.name,
                kind=kind,
                connection=receipt["connection"],
                message=receipt["message"] if with_message else None,
            )
            for receipt in told
            if receipt["at"] >= since  # an earlier test's proxy had the same name
        ]

    @property
    def _first(self) -> Leg:
        return Leg(self.engine, self.proxy)

    @property
    def _legs(self) -> tuple[Leg, ...]:
        """The proxies in the order in which a client's bytes pass them."""
        return (self._first,) if self.network == self._first else (self._first, self.network)


def _first_free(
    service: str,
    engine: EngineClient,
    toxiproxy: SupervisedToxiproxy | None,
    upstream: str,
    undo: ExitStack,
) -> tuple[Leg, str, str]:
    """Make the proxies under the first name that no other sandbox has: the service's own, or with a number."""
    for proxy in chain([service], (f"{service}-{number}" for number in count(2))):
        with ExitStack() as half:
            try:
                network, listen = _make(proxy, engine, toxiproxy, upstream, half)
            except EngineRefusedError as refused:
                if refused.status != HTTPStatus.CONFLICT:
                    raise
                continue
            undo.push(half.pop_all())
            return network, listen, proxy
    raise AssertionError("the numbers never end")


def _make(
    proxy: str, engine: EngineClient, toxiproxy: SupervisedToxiproxy | None, upstream: str, undo: ExitStack
) -> tuple[Leg, str]:
    network = Leg(engine, proxy)
    if toxiproxy is not None:
        network = Leg(toxiproxy, toxiproxy.proxy_name(proxy))
        upstream = toxiproxy.create_proxy(network.proxy, upstream)
        undo.callback(network.end)
    listen = engine.create_proxy(proxy, upstream)
    undo.callback(engine.delete_proxy, proxy)
    return network, listen
