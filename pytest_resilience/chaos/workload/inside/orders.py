"""Orders of the harness that may come at any time, read from a shared page: no thread waits for them.

The page has 8-byte slots: 0, by how much the wall clock is off (a double); 1, a number that grows when the orders
change; from 2 on, how many bytes may still be written under each `disk_full` order. It is shared by all processes
of a workload and by its restarts.
"""

from __future__ import annotations

import json
import mmap
import os
from typing import Any

SLOTS = 64
SIZE = SLOTS * 8
JUMP, GENERATION, FIRST_BUDGET = 0, 1, 2


class Page:
    """A mapped page.

    Args:
        path: its file.
    """

    def __init__(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDWR)
        try:
            self._memory = mmap.mmap(descriptor, SIZE)
        finally:
            os.close(descriptor)
        view = memoryview(self._memory)
        self.floats = view.cast("d")
        self.integers = view.cast("q")


class Orders:
    """What is ordered now.

    Args:
        page: says when something changed.
        path: the JSON that has it.
    """

    def __init__(self, page: Page, path: str) -> None:
        self.page = page
        self.disk_full: list[dict[str, Any]] = []
        self.file_events = False
        self._path = path
        self._seen = 0

    def any_for_files(self) -> bool:
        """Return whether files are watched at all, as of now."""
        generation = self.page.integers[GENERATION]
        if generation != self._seen:
            self._seen = generation
            self._read()
        return self.file_events or bool(self.disk_full)

    def _read(self) -> None:
        descriptor = _open(self._path, os.O_RDONLY)
        try:
            told = json.loads(_read(descriptor, 2**20))
        finally:
            _close(descriptor)
        self.disk_full, self.file_events = told["disk_full"], told["file_events"]


_open, _read, _close = os.open, os.read, os.close
