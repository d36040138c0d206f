"""Counting bytes: by direction, proxy and addresses, over all connections that there were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pytest_resilience.proxy.lane import Lane


class Metered(Protocol):
    """A connection, as far as its bytes are concerned."""

    upstream: Lane
    downstream: Lane


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """What one count is about; the fields are Prometheus's labels."""

    direction: str
    listener: str
    proxy: str
    upstream: str


@dataclass(slots=True)
class Count:
    """Bytes that were read and bytes that were written."""

    received: int = 0
    sent: int = 0


class Meter:
    """Keep the counts of connections that are over, and add those of the live ones when asked."""

    def __init__(self) -> None:
        self._counts: dict[Series, Count] = {}
        self._live: dict[Metered, tuple[Series, Series]] = {}

    def opened(self, link: Metered, *, proxy: str, listener: str, upstream: str) -> None:
        """Begin to count a connection."""
        self._live[link] = (
            Series("upstream", listener, proxy, upstream),
            Series("downstream", listener, proxy, upstream),
        )

    def closed(self, link: Metered) -> None:
        """Keep what a connection had come to."""
        _add(self._counts, self._live.pop(link), link)

    def counts(self) -> Iterable[tuple[Series, Count]]:
        """Return all counts, sorted."""
        counts = {series: Count(count.received, count.sent) for series, count in self._counts.items()}
        for link, series in self._live.items():
            _add(counts, series, link)
        return sorted(counts.items(), key=lambda item: item[0])


def _add(counts: dict[Series, Count], series: tuple[Series, Series], link: Metered) -> None:
    for one, lane in zip(series, (link.upstream, link.downstream), strict=True):
        count = counts.setdefault(one, Count())
        count.received += lane.received
        count.sent += lane.outlet.sent
