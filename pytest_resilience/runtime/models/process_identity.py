"""Tell whether a process still runs, and is not another one that was given its number later."""

from __future__ import annotations

import os
from pathlib import Path

UNKNOWN = ""


def started_at(process: int) -> str:
    """Return when a process started, as its system counts; `UNKNOWN` where that cannot be told."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return UNKNOWN
    # proc(5): the 22nd field, counted after the name, which stands in brackets and may hold anything.
    return stat.rpartition(")")[2].split()[19]


def is_running(process: int, started: str) -> bool:
    """Return whether the process that started then still runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    now = started_at(process)
    return UNKNOWN in {now, started} or now == started
