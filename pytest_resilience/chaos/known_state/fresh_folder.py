"""A working folder that is put back as it was: only what a run has touched is copied again.

Whatever changes a file changes its ctime, which no program can set (Linux, inode(7)).
"""

from __future__ import annotations

import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Mark: TypeAlias = tuple[int, ...]
"""What tells whether an entry is as it was: for a folder its mode, for the rest inode, mode, size and times."""

TICK = 0.02
"""Seconds within which two changes may have the same ctime: kernels stamp by the tick, at least 100 a second."""


@dataclass(slots=True)
class FreshFolder:
    """A copy, and how it was when it was made.

    Args:
        path: the copy.
        pristine: what it is a copy of.
    """

    path: Path
    pristine: Path
    _marks: dict[str, Mark] = field(init=False)
    _settled: float = field(init=False)

    def __post_init__(self) -> None:
        self._marks = dict(_marked(self.path))
        self._settle()

    def reset(self) -> None:
        """Put back what was changed or removed, and remove what was added.

        Raises:
            OSError: something cannot be looked at or removed.
        """
        found = dict(_marked(self.path))
        for name in found.keys() - self._marks.keys():
            if not _is_bytecode(name):
                _remove(self.path / name)
        for name, mark in self._marks.items():  # a folder stands before what is in it
            if found.get(name) != mark:
                self._put_back(name)
        self._settle()

    def wait_until_settled(self) -> None:
        """Return when every change from now on shows."""
        time.sleep(max(0.0, self._settled - time.monotonic()))

    def _put_back(self, name: str) -> None:
        source, copy = self.pristine / name, self.path / name
        if source.is_dir() and not source.is_symlink():
            if not copy.is_dir() or copy.is_symlink():
                _remove(copy)
                copy.mkdir()
            shutil.copymode(source, copy)
        else:
            _remove(copy)  # not written over: it may have become a link to somewhere else
            shutil.copy2(source, copy, follow_symlinks=False)
        self._marks[name] = _mark(copy.lstat())

    def _settle(self) -> None:
        self._settled = time.monotonic() + TICK


class FreshFolders:
    """As many copies as were in use at once; each is put back before it is used again.

    Args:
        make: makes one.
    """

    def __init__(self, make: Callable[[], FreshFolder]) -> None:
        self._make = make
        self._idle: list[FreshFolder] = []
        self._lock = threading.Lock()

    def take(self) -> FreshFolder:
        """Return a folder in its first state that is the caller's alone until it is given back."""
        with self._lock:
            folder = self._idle.pop(0) if self._idle else None
        if folder is None:
            folder = self._make()
        folder.wait_until_settled()
        return folder

    def give_back(self, folder: FreshFolder) -> None:
        """Put it back, for somebody else; where that cannot be done, it goes."""
        try:
            folder.reset()
        except OSError:
            shutil.rmtree(folder.path, ignore_errors=True)
            return
        with self._lock:
            self._idle.append(folder)

    def close(self) -> None:
        """Remove those that nobody uses; safe to call twice."""
        with self._lock:
            idle, self._idle = self._idle, []
        for folder in idle:
            shutil.rmtree(folder.path, ignore_errors=True)


def _marked(folder: Path) -> Iterator[tuple[str, Mark]]:
    """Yield everything below a folder by its relative path, each folder before what is in it."""
    waiting = [""]
    while waiting:
        above = waiting.pop()
        with os.scandir(folder / above) as entries:
            for entry in entries:
                name = f"{above}/{entry.name}" if above else entry.name
                yield name, _mark(entry.stat(follow_symlinks=False))
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name)


def _mark(found: os.stat_result) -> Mark:
    if stat.S_ISDIR(found.st_mode):
        return (found.st_mode,)
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_bytecode(name: str) -> bool:
    """Tell whether it is a compiled module: Python checks it against its source, and the next run need not compile."""
    above, _, last = name.rpartition("/")
    return last == "__pycache__" or (above.endswith("__pycache__") and last.endswith(".pyc"))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
