"""The history of one key: which write each read saw, and when each write had certainly taken effect."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pytest_resilience.chaos.history.operation import Operation

Numbered: TypeAlias = tuple[int, Operation]
"""An operation and its number in the history."""


@dataclass(slots=True)
class Cluster:
    """The writes of one value and the reads that saw it.

    Args:
        writes: those that may have had an effect.
        reads: those that saw the value.
        is_initial: what was there at first, which nobody wrote.
    """

    writes: list[Numbered] = field(default_factory=list)
    reads: list[Numbered] = field(default_factory=list)
    is_initial: bool = False

    @property
    def began(self) -> float:
        """The first moment at which the value can have been there."""
        return -math.inf if self.is_initial else min(write.began for _, write in self.writes)

    @property
    def done(self) -> float:
        """The moment by which it had certainly been written: answered, or seen.

        Of several writes of one value nobody knows which one was seen, so all have to be answered.
        """
        if self.is_initial:
            return -math.inf
        if len(self.writes) > 1:
            return max(write.over for _, write in self.writes)
        return min([self.writes[0][1].over, *(read.ended for _, read in self.reads)])

    @property
    def last(self) -> float:
        """When the last of its operations began: until then it was certainly there, or was still to come."""
        return max((operation.began for _, operation in (*self.writes, *self.reads)), default=-math.inf)

    def certain(self) -> Iterator[Cluster]:
        """Yield what follows from it for sure: itself, or of several writes of one value each that was answered."""
        if len(self.writes) > 1:
            yield from (Cluster(writes=[write]) for write in self.writes if write[1].outcome == "ok")
        elif self.reads or self.done < math.inf:
            yield self


@dataclass(slots=True)
class Register:
    """One key.

    Args:
        clusters: by value.
        initial: what was there at first: nothing.
        doubled, phantom: reads that no order of operations explains.
    """

    clusters: dict[Hashable, Cluster] = field(default_factory=dict)
    initial: Cluster = field(default_factory=lambda: Cluster(is_initial=True))
    doubled: list[Numbered] = field(default_factory=list)
    phantom: list[tuple[Numbered, str]] = field(default_factory=list)

    @classmethod
    def of(cls, operations: Sequence[Numbered]) -> Register:
        """Sort the operations of one key."""
        made = cls()
        failed: dict[Hashable, int] = {}
        for number, operation in operations:
            if operation.kind != "write":
                continue
            if operation.outcome == "fail":
                failed[operation.value] = number
            else:
                made.clusters.setdefault(operation.value, Cluster()).writes.append((number, operation))
        for number, operation in operations:
            if operation.kind == "read" and operation.outcome == "ok":
                made._take((number, operation), failed)
        return made

    def _take(self, read: Numbered, failed: dict[Hashable, int]) -> None:
        values = read[1].value
        if len(values) > 1:
            self.doubled.append(read)
        for value in dict.fromkeys(values):
            why = self._is_phantom(read[1], value, failed)
            if why is not None:
                self.phantom.append((read, why))
            elif len(values) == 1:
                self.clusters[value].reads.append(read)
        if not values:
            self.initial.reads.append(read)

    def _is_phantom(self, read: Operation, value: Hashable, failed: dict[Hashable, int]) -> str | None:
        cluster = self.clusters.get(value)
        if cluster is None:
            return f"what write {failed[value]} did, which failed" if value in failed else "what nobody wrote"
        if cluster.began > read.ended:
            return f"what write {cluster.writes[0][0]} had not begun to write"
        return None

    @property
    def certain(self) -> list[Cluster]:
        """All that follows for sure, each with one write."""
        return [part for each in (self.initial, *self.clusters.values()) for part in each.certain()]

    def seen_by(self, read: Operation) -> Cluster | None:
        """Return what a read saw, where it saw one thing that was written, or nothing."""
        if not read.value:
            return self.initial
        return self.clusters.get(read.value[0]) if len(read.value) == 1 else None

    def last_read(self) -> Cluster | None:
        """Return what the read that began last saw."""
        every = [(read.began, cluster) for cluster in self._read() for _, read in cluster.reads]
        return max(every, key=lambda pair: pair[0])[1] if every else None

    def _read(self) -> list[Cluster]:
        return [self.initial, *self.clusters.values()]


def registers(history: Sequence[Operation]) -> dict[Hashable, Register]:
    """Return the history of each key."""
    by_key: dict[Hashable, list[Numbered]] = defaultdict(list)
    for number, operation in enumerate(history):
        by_key[operation.key].append((number, operation))
    return {key: Register.of(operations) for key, operations in by_key.items()}
