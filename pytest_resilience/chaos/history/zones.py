"""Lost and stale, by zones: whether one order of a key's operations explains all its reads.

A value is there in one piece of time. Where a read of it began after it had certainly been written, it was there all
the time between (a forward zone); else its operations overlap, and it was there at some moment among them (a backward
zone). The operations can be put in order just when no two forward zones overlap and none holds a backward zone
(Gibbons and Korach, 1997, theorem 4.1).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_resilience.chaos.history.anomaly import Anomaly
from pytest_resilience.chaos.history.operation import Operation
from pytest_resilience.chaos.history.register import Cluster, Numbered, Register


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value that was there after another had certainly replaced it."""

    older: Cluster
    newer: Cluster


def lost_or_stale(register: Register) -> Iterator[Anomaly]:
    """Yield an anomaly for each conflict: lost where the last read sees the older value too."""
    last = register.last_read()
    for conflict in conflicts(register):
        read = max(conflict.older.reads, key=lambda numbered: numbered[1].began)
        is_lost = last is conflict.older
        yield Anomaly(
            kind="lost" if is_lost else "stale",
            why=f"read {read[0]} saw {_what(conflict.older)}, which {_what(conflict.newer)} had replaced before"
            + ("; so did the last read" if is_lost else ""),
            operations=_shown(read, conflict),
        )


def conflicts(register: Register) -> Iterator[Conflict]:
    """Yield values that cannot be put in order, the one that began to be there first as the older."""
    clusters = register.certain
    forward = sorted((each for each in clusters if each.done < each.last), key=lambda each: each.done)
    reach: list[Cluster] = []  # of all zones until here, the one that ends last
    for zone in forward:
        if reach and zone.done < reach[-1].last:
            yield Conflict(older=reach[-1], newer=zone)
        reach.append(zone if not reach or zone.last > reach[-1].last else reach[-1])
    starts = [each.done for each in forward]
    for zone in clusters:
        before = bisect_left(starts, zone.last) - 1
        if zone.last <= zone.done and before >= 0 and zone.done < reach[before].last and not zone.is_initial:
            yield Conflict(older=reach[before], newer=zone)


def _what(cluster: Cluster) -> str:
    return "nothing" if cluster.is_initial else f"what write {cluster.writes[0][0]} wrote"


def _shown(read: Numbered, conflict: Conflict) -> tuple[Operation, ...]:
    writes = [*conflict.older.writes, *conflict.newer.writes]
    return (*(write for _, write in writes), read[1])
