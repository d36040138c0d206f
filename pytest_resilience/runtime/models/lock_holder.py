"""Who holds a lock: a process that still runs, and is not another one that was given its number later."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from pytest_resilience.clock import Clock

_UNKNOWN = ""
_held: set[str] = set()
"""Tokens of the locks that this process holds; another one with its number was left behind."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock.

    Args:
        token: unlike any other.
        host: where.
        process: the process id there.
        started: when that process started, as its host counts; ids are given out again.
        until: seconds since the epoch after which nobody waits for this holder.
    """

    token: str
    host: str
    process: int
    started: str
    until: float

    def is_gone(self, now: float) -> bool:
        """Return whether the holder is dead, or has had the lock for too long."""
        if now >= self.until:
            return True
        if self.host != socket.gethostname():
            return False
        if self.process == os.getpid():
            return self.token not in _held
        return not _is_running(self.process, self.started)


@contextmanager
def this_process(lease: float, clock: Clock) -> Iterator[Holder]:
    """Give the block a holder, which counts as alive until the block ends.

    Args:
        lease: seconds after which others stop waiting for it.
        clock: the wall clock, which is compared between hosts.
    """
    process = os.getpid()
    holder = Holder(uuid4().hex, socket.gethostname(), process, _started_at(process), clock.time() + lease)
    _held.add(holder.token)
    try:
        yield holder
    finally:
        _held.discard(holder.token)


def _started_at(process: int) -> str:
    """Return when a process started, as its system counts; `_UNKNOWN` where that cannot be told."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return _UNKNOWN
    # proc(5): the 22nd field, counted after the name, which stands in brackets and may hold anything.
    return stat.rpartition(")")[2].split()[19]


def _is_running(process: int, started: str) -> bool:
    """Return whether the process that started then still runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    now = _started_at(process)
    return _UNKNOWN in {now, started} or now == started
