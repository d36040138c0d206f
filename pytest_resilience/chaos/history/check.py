"""The check of a whole history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_resilience.chaos.history.anomaly import Anomaly
from pytest_resilience.chaos.history.operation import Operation
from pytest_resilience.chaos.history.register import Register, registers
from pytest_resilience.chaos.history.torn import torn
from pytest_resilience.chaos.history.zones import lost_or_stale


def check(history: Iterable[Operation]) -> tuple[Anomaly, ...]:
    """Return all anomalies of a history; nothing where some order of its operations explains it.

    Args:
        history: calls in any order; keys and values are hashable.
    """
    operations = tuple(history)
    return tuple(_anomalies(operations))


def _anomalies(history: Sequence[Operation]) -> Iterator[Anomaly]:
    by_key = registers(history)
    for register in by_key.values():
        yield from _impossible(register)
        yield from lost_or_stale(register)
    yield from torn(history, by_key)


def _impossible(register: Register) -> Iterator[Anomaly]:
    """Yield what no order of operations explains."""
    for number, read in register.doubled:
        why = f"read {number} found {len(read.value)} rows under one key"
        yield Anomaly(kind="doubled", why=why, operations=(read,))
    for (number, read), what in register.phantom:
        yield Anomaly(kind="phantom", why=f"read {number} saw {what}", operations=(read,))
