"""Writes to files, counted and held: a disk that is full, and a kill before or after each step of a checkpoint.

Seen is what goes through `open`, `io`, `os` and what is built on them. Extension modules that write by themselves
(SQLite, Arrow, HDF5) and memory maps are not.
"""

from __future__ import annotations

import builtins
import io
import os
from typing import Any

from .open_file import FileIO, Open
from .replacing import replace_functions
from .watch import WATCH, full_path, path_of


class Step:
    """A function of `os` that changes a file.

    Args:
        old: the function as it was.
        paths: tells the paths from the arguments.
        count: tells how many bytes it writes, and gives the arguments for fewer.
    """

    def __init__(self, old: Any, paths: Any, fewer: Any = None) -> None:
        self.old = old
        self._paths = paths
        self._fewer = fewer
        self.__name__ = self.__qualname__ = old.__name__
        self.__doc__ = old.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        if not WATCH.active:
            return self.old(*args, **kwargs)
        try:
            paths = self._paths(*args, **kwargs)
        except (TypeError, ValueError, AttributeError):  # the function itself says what is wrong
            return self.old(*args, **kwargs)
        if paths and self._fewer is not None:
            args = self._fewer(lambda count: WATCH.allowed(paths[0], count), *args)
        return WATCH.step(self.__name__, paths, lambda: self.old(*args, **kwargs))


def _open_paths(path: Any, flags: int, _mode: int = 0o777, *, dir_fd: int | None = None) -> Any:
    return (full_path(path, dir_fd),) if flags & (os.O_CREAT | os.O_TRUNC) else (None,)


def _one(path: Any, *_: Any, dir_fd: int | None = None, **__: Any) -> Any:
    return (full_path(path, dir_fd),)


def _two(
    src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None, **_: Any
) -> Any:
    return full_path(src, src_dir_fd), full_path(dst, dst_dir_fd)


def _descriptor(fd: Any, *_: Any) -> Any:
    return (path_of(fd if isinstance(fd, int) else fd.fileno()),)


def _second(_fd: int, target: int, *_: Any, **__: Any) -> Any:
    return (path_of(target),)


def _fewer_bytes(allowed: Any, fd: int, data: Any, *rest: Any) -> Any:
    view = memoryview(data).cast("B")
    return (fd, view[: allowed(len(view))], *rest)


def _fewer_parts(allowed: Any, fd: int, parts: Any, *rest: Any) -> Any:
    whole = b"".join(parts)
    return (fd, [whole[: allowed(len(whole))]], *rest)


def _fewer_sent(allowed: Any, out: int, source: int, offset: Any, count: int, *rest: Any) -> Any:
    return (out, source, offset, allowed(count), *rest)


def _fewer_copied(allowed: Any, source: int, target: int, count: int, *rest: Any) -> Any:
    return (source, target, allowed(count), *rest)


def _all_or_nothing(allowed: Any, fd: int, offset: int, count: int) -> Any:
    allowed(count)
    return (fd, offset, count)


STEPS: dict[str, tuple[Any, Any]] = {
    "open": (_open_paths, None),
    "write": (_descriptor, _fewer_bytes),
    "pwrite": (_descriptor, _fewer_bytes),
    "writev": (_descriptor, _fewer_parts),
    "pwritev": (_descriptor, _fewer_parts),
    "sendfile": (_descriptor, _fewer_sent),
    "copy_file_range": (_second, _fewer_copied),
    "posix_fallocate": (_descriptor, _all_or_nothing),
    "fsync": (_descriptor, None),
    "fdatasync": (_descriptor, None),
    "ftruncate": (_descriptor, None),
    "truncate": (_one, None),
    "rename": (_two, None),
    "replace": (_two, None),
    "link": (_two, None),
    "unlink": (_one, None),
    "remove": (_one, None),
}


def install() -> None:
    """Put watched functions in the place of the interpreter's."""
    if isinstance(builtins.open, Open):
        return
    steps = {name: Step(getattr(os, name), *how) for name, how in STEPS.items() if hasattr(os, name)}
    for supported in (
        os.supports_dir_fd,
        os.supports_fd,
        os.supports_follow_symlinks,
        os.supports_effective_ids,
    ):
        supported |= {step for step in steps.values() if step.old in supported}
    replace_functions(os, steps)
    replace_functions(io, {"open": Open(io.open), "FileIO": FileIO})
    builtins.open = io.open
