"""All processes below one, found and signalled together although they fork meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from pytest_resilience.clock import SYSTEM_CLOCK

LONGEST = 5.0
"""Seconds to look again at a herd that forks faster than it is stopped, or gets no time to stop on a busy machine."""


def descendants(pid: int) -> tuple[int, ...]:
    """Return the live processes below `pid`, parents first, without zombies."""
    return tuple(each for each in _below(pid) if _state(each) not in {"Z", "X", None})


def kill(pid: int) -> tuple[int, ...]:
    """Kill everything below `pid`; return what was killed."""
    found = freeze(pid)
    _signal(found, signal.SIGKILL)
    return found


def freeze(pid: int) -> tuple[int, ...]:
    """Stop everything below `pid`, until no process is left that could fork another."""
    found: tuple[int, ...] = ()
    end = SYSTEM_CLOCK.monotonic() + LONGEST
    while SYSTEM_CLOCK.monotonic() < end:
        now = descendants(pid)
        _signal(tuple(each for each in now if each not in found), signal.SIGSTOP)
        if now == found and all(_state(each) in {"T", "t", "Z", "X", None} for each in now):
            break
        found = now
        os.sched_yield()
    return found


def thaw(pid: int) -> None:
    """Let everything below `pid` go on."""
    _signal(descendants(pid), signal.SIGCONT)


def _below(pid: int) -> list[int]:
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop(0))
        found += children
        waiting += children
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                children += map(int, (task / "children").read_text().split())
    return sorted(children)


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return None


def _signal(pids: tuple[int, ...], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
