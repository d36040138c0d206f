"""What a workload has left behind when its run is over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.state.leaks import leaks
from pytest_resilience.chaos.workload.workload import Workload


def what_is_left(
    workload: Workload, databases: Sequence[PostgresHandle], idle: Mapping[str, Collection[int]]
) -> tuple[str, ...]:
    """Say what is left, and end it: processes first, for they may hold connections.

    Args:
        workload: it is ended.
        databases: of the run.
        idle: by database, the connections that were there before.
    """
    alive = workload.leftovers()
    workload.close()
    words = [f"{len(alive)} of its child processes still ran"] if alive else []
    for handle in databases:
        found = leaks(handle.direct_dsn, ignore=idle[handle.name])
        words.extend(f"{handle.name}: {word}" for word in found)
    return tuple(words)
