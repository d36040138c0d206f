"""Torn: a snapshot that sees a part of a transaction, and of another part what was there before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence

from pytest_resilience.chaos.history.anomaly import Anomaly
from pytest_resilience.chaos.history.operation import Operation
from pytest_resilience.chaos.history.register import Cluster, Numbered, Register

Unit = dict[Hashable, Numbered]
"""By key, the operation of a unit that counts: the last."""


def torn(history: Sequence[Operation], registers: Mapping[Hashable, Register]) -> Iterator[Anomaly]:
    """Yield an anomaly for each pair of a transaction and a snapshot that saw a part of it."""
    transactions = _units(history, "write")
    for snapshot in _units(history, "read").values():
        seen = {key: registers[key].seen_by(read) for key, (_, read) in snapshot.items()}
        for unit in {_unit_of(cluster) for cluster in seen.values()} - {None}:
            yield from _torn(transactions[unit], snapshot, seen)


def _units(history: Sequence[Operation], kind: str) -> dict[Hashable, Unit]:
    found: dict[Hashable, Unit] = defaultdict(dict)
    for number, operation in enumerate(history):
        counts = operation.outcome == "ok" or (kind == "write" and operation.outcome == "unknown")
        if operation.kind == kind and operation.unit is not None and counts:
            found[operation.unit][operation.key] = (number, operation)
    return found


def _unit_of(cluster: Cluster | None) -> Hashable:
    """Return the transaction that a value is certainly from."""
    if cluster is None or len(cluster.writes) != 1:
        return None
    return cluster.writes[0][1].unit


def _torn(transaction: Unit, snapshot: Unit, seen: Mapping[Hashable, Cluster | None]) -> Iterator[Anomaly]:
    began = min(write.began for _, write in transaction.values())
    parts = [key for key in transaction if key in snapshot]
    whole = [key for key in parts if _is_from(seen[key], transaction[key])]
    for key in parts:
        cluster = seen[key]
        if (
            cluster is None
            or _is_from(cluster, transaction[key])
            or not (_is_part(cluster, transaction) or whole)
        ):
            continue
        if cluster.done < began or _is_part(cluster, transaction):
            read, write = snapshot[key], transaction[key]
            shown = [numbered for each in whole[:1] for numbered in (transaction[each], snapshot[each])]
            yield Anomaly(
                kind="torn",
                why=f"read {read[0]} did not see write {write[0]}, and its snapshot saw the rest of that unit",
                operations=(*(operation for _, operation in shown), write[1], read[1]),
            )
            return


def _is_from(cluster: Cluster | None, write: Numbered) -> bool:
    return cluster is not None and any(number == write[0] for number, _ in cluster.writes)


def _is_part(cluster: Cluster, transaction: Unit) -> bool:
    """Tell whether a value is one that the transaction itself has replaced."""
    units = {write.unit for _, write in transaction.values()}
    return len(cluster.writes) == 1 and cluster.writes[0][1].unit in units
