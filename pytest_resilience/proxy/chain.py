"""The toxics of one proxy, in order, and their stages on every live connection."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pytest_resilience.proxy.draw import Draw
from pytest_resilience.proxy.lane import Direction, Lane
from pytest_resilience.proxy.link import Link
from pytest_resilience.proxy.toxics.attributes import Attributes
from pytest_resilience.proxy.toxics.stage import Stage


@dataclass(slots=True)
class Toxic:
    """A toxic as the API shows it.

    Args:
        name: unique at its proxy.
        stream: the direction as it was sent, whatever its case.
        direction: the direction that it means.
        toxicity: the share of connections that it acts on.
        attributes: its type and settings.
        connections: how many connections it acts on at most, those that live when it is added first (ours alone).
    """

    name: str
    stream: str
    direction: Direction
    toxicity: float
    attributes: Attributes
    connections: int | None = None
    _met: set[int] = field(default_factory=set)

    def takes(self, connection: int) -> bool:
        """Tell whether it may act on one more connection, and count it."""
        if self.connections is None or connection in self._met:
            return True
        if len(self._met) >= self.connections:
            return False
        self._met.add(connection)
        return True


class Chain:
    """Keep the toxics of one proxy and the connections in step; nothing here ever waits.

    Args:
        seed: what all draws follow from.
        proxy_name: so that two proxies draw differently.
        links: the live connections, which the proxy adds and removes.
        redraw: draw a connection's toxicity anew when its toxic changes or gets or loses a neighbour (Toxiproxy).
    """

    def __init__(self, seed: int, proxy_name: str, links: Collection[Link], *, redraw: bool = False) -> None:
        self._seed = seed
        self._proxy_name = proxy_name
        self._links = links
        self._redraw = redraw
        self._toxics: dict[str, Toxic] = {}

    def listing(self) -> list[Toxic]:
        """Return the upstream ones, then the downstream ones, in the order added."""
        return [*self._along(Direction.UPSTREAM), *self._along(Direction.DOWNSTREAM)]

    @property
    def by_name(self) -> Mapping[str, Toxic]:
        """The toxics of both directions, which share their names."""
        return self._toxics

    def add(self, toxic: Toxic) -> None:
        """Put a toxic at the end of its direction, on live connections too."""
        before = self._along(toxic.direction)[-1:]
        self._toxics[toxic.name] = toxic
        for link in sorted(self._links, key=lambda live: live.number):
            self._place(link, toxic)
        self._draw_again(before)

    def update(self, toxic: Toxic, attributes: Attributes, toxicity: float) -> None:
        """Change a toxic, on live connections too."""
        toxic.attributes = attributes
        toxic.toxicity = toxicity
        for link in tuple(self._links):
            stage = _stage(link.lane(toxic.direction), toxic)
            if stage is not None:
                stage.update(attributes)
        if self._redraw:
            self._draw_again([toxic])
        else:
            for link in tuple(self._links):
                self._place(link, toxic)

    def remove(self, toxic: Toxic) -> None:
        """Take a toxic away, from live connections too."""
        along = self._along(toxic.direction)
        before = along[: along.index(toxic)][-1:]
        del self._toxics[toxic.name]
        for link in tuple(self._links):
            _withdraw(link, toxic)
            link.draws.pop(toxic.name, None)
        self._draw_again(before)

    def clear(self) -> None:
        """Take all toxics away."""
        for toxic in self.listing():
            self.remove(toxic)

    def equip(self, link: Link) -> None:
        """Put the toxics on a new connection."""
        for toxic in tuple(self._toxics.values()):
            self._place(link, toxic)

    def _along(self, direction: Direction) -> list[Toxic]:
        return [toxic for toxic in self._toxics.values() if toxic.direction is direction]

    def _place(self, link: Link, toxic: Toxic) -> None:
        """Let a connection have the toxic's stage exactly if its draw says so."""
        draw = link.draws.get(toxic.name)
        if draw is None:
            draw = link.draws[toxic.name] = Draw(self._seed, self._proxy_name, link.number, toxic.name)
        lane = link.lane(toxic.direction)
        acts = not link.over and draw.value < toxic.toxicity and toxic.takes(link.number)
        if link.over or acts is (_stage(lane, toxic) is not None):
            return
        if not acts:
            _withdraw(link, toxic)
            return
        earlier = {
            other.name for other in self._along(toxic.direction)[: self._along(toxic.direction).index(toxic)]
        }
        stage = toxic.attributes.stage(toxic.attributes, lane, draw.random)
        stage.name = toxic.name
        after = [index for index, other in enumerate(lane.stages, start=1) if other.name in earlier]
        lane.insert(max(after, default=0), stage)

    def _draw_again(self, toxics: list[Toxic]) -> None:
        if not self._redraw:
            return
        for toxic in toxics:
            for link in tuple(self._links):
                link.draws[toxic.name].again()
                self._place(link, toxic)


def _stage(lane: Lane, toxic: Toxic) -> Stage | None:
    return next((stage for stage in lane.stages if stage.name == toxic.name), None)


def _withdraw(link: Link, toxic: Toxic) -> None:
    lane = link.lane(toxic.direction)
    stage = _stage(lane, toxic)
    if stage is not None:
        lane.remove(stage)
