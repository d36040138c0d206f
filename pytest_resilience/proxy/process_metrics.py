"""What this process uses, under the names that Prometheus's libraries give it."""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Iterator
from pathlib import Path

Sample = tuple[str, str, str, float]
"""Name, kind, help text, value."""

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def process_samples() -> Iterator[Sample]:
    """Measure the process; what the platform does not tell is left out."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield (
        "process_cpu_seconds_total",
        "counter",
        "Total user and system CPU time spent in seconds.",
        used.ru_utime + used.ru_stime,
    )
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield "process_max_fds", "gauge", "Maximum number of open file descriptors.", limit
    yield "python_info", "gauge", f"Python {platform.python_version()}.", 1
    if Path("/proc/self/stat").exists():
        yield from _from_proc()


def _from_proc() -> Iterator[Sample]:
    fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    booted = _booted_at()
    descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1
    yield "process_open_fds", "gauge", "Number of open file descriptors.", descriptors
    yield "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", int(fields[21]) * _PAGE
    yield (
        "process_start_time_seconds",
        "gauge",
        "Start time of the process since unix epoch in seconds.",
        booted + int(fields[19]) / _TICKS,
    )
    yield "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", int(fields[20])


def _booted_at() -> float:
    """Return the time of the machine's start, seconds since the epoch."""
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0
