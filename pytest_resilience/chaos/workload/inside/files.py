"""Writes to files, counted and held: a disk that is full, and a kill before or after each step of a checkpoint.

Seen is what goes through `open`, `io`, `os` and what is built on them. Extension modules that write by themselves
(SQLite, Arrow, HDF5) and memory maps are not.
"""

from __future__ import annotations

import _io
import builtins
import errno
import io
import os
from collections.abc import Callable
from typing import Any

from .orders import FIRST_BUDGET, Orders
from .replacing import replace_functions

ENOUGH = 2**62


class Watch:
    """What is asked before and after each step on a file."""

    def __init__(self) -> None:
        self._orders: Orders | None = None
        self._folder = "/"
        self._ask: Callable[[dict[str, Any]], Any] = dict
        self._told: set[str] = set()

    def begin(self, orders: Orders, folder: str, ask: Callable[[dict[str, Any]], Any]) -> None:
        """Follow the orders."""
        self._orders, self._folder, self._ask = orders, folder, ask

    @property
    def active(self) -> bool:
        """Whether anything is to be done."""
        return self._orders is not None and self._orders.any_for_files()

    def allowed(self, path: str | None, count: int) -> int:
        """Return how many of so many bytes may be written, and count them.

        Raises:
            OSError: no space is left.
        """
        if self._orders is None or path is None or count == 0:
            return count
        for order in self._orders.disk_full:
            if path == order["path"] or path.startswith(order["path"].rstrip("/") + "/"):
                count = min(count, self._take(order, path, count))
        return count

    def _take(self, order: dict[str, Any], path: str, count: int) -> int:
        budgets = self._orders.page.integers  # type: ignore[union-attr]
        slot = FIRST_BUDGET + order["slot"]
        left: int = budgets[slot]
        if left <= 0:
            if order["id"] not in self._told:
                self._told.add(order["id"])
                self._ask({"receipt": "disk_full", "order": order["id"], "path": path})
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        budgets[slot] = left - min(left, count)
        return min(left, count)

    def step(self, what: str, paths: tuple[str | None, ...], act: Callable[[], Any]) -> Any:
        """Do a step, and ask before and after it where the harness wants to know."""
        names = [self._name(path) for path in paths]
        if self._orders is None or not self._orders.file_events or not any(names):
            return act()
        told = f"{what} {' -> '.join(name or '(elsewhere)' for name in names)}"
        self._ask({"event": told, "when": "before"})
        done = act()
        self._ask({"event": told, "when": "after"})
        return done

    def _name(self, path: str | None) -> str | None:
        """Return a path relative to the working folder, none where it is elsewhere."""
        inside = path is not None and (path + "/").startswith(self._folder.rstrip("/") + "/")
        return os.path.relpath(path, self._folder) if inside and path is not None else None


WATCH = Watch()


def path_of(descriptor: int) -> str | None:
    """Return the path of an open file, none of anything else."""
    try:
        path = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
    except OSError:
        return None
    return path if path.startswith("/") else None


def full_path(path: Any, folder: int | None = None) -> str | None:
    """Return a path as it would be looked up, its folder's links resolved."""
    if isinstance(path, int):
        return path_of(path)
    text = os.fsdecode(path)
    if folder is not None:
        text = os.path.join(path_of(folder) or "/", text)  # noqa: PTH118
    head, tail = os.path.split(os.path.abspath(text))  # noqa: PTH100
    return os.path.join(os.path.realpath(head), tail)  # noqa: PTH118


class FileIO(_io.FileIO):
    """A file whose writes are watched."""

    _written = False

    def __init__(self, file: Any, mode: str = "r", closefd: bool = True, opener: Any = None) -> None:  # noqa: FBT001, FBT002
        def act() -> None:
            super(FileIO, self).__init__(file, mode, closefd, opener)

        if set(mode) & set("wax") and WATCH.active and not isinstance(file, int):
            WATCH.step("open", (full_path(file),), act)
        else:
            act()

    def write(self, data: Any, /) -> Any:
        """Write as much as there is space for."""
        if not WATCH.active:
            self._written = True
            return super().write(data)
        view = memoryview(data).cast("B")
        path = path_of(self.fileno())
        self._written = True
        count = WATCH.allowed(path, len(view))
        return WATCH.step("write", (path,), lambda: super(FileIO, self).write(view[:count]))

    def truncate(self, size: int | None = None, /) -> Any:
        """Cut it."""
        if not WATCH.active:
            return super().truncate(size)
        return WATCH.step("truncate", (path_of(self.fileno()),), lambda: super(FileIO, self).truncate(size))

    def close(self) -> None:
        """Close it."""
        if self.closed or not self._written or not WATCH.active:
            super().close()
            return
        self._written = False
        WATCH.step("close", (path_of(self.fileno()),), super().close)


class Open:
    """The built-in `open`, with watched files where something may be written.

    Args:
        old: the function as it was.
    """

    def __init__(self, old: Any) -> None:
        self._old = old
        self.__name__ = self.__qualname__ = "open"
        self.__doc__ = old.__doc__

    def __call__(  # noqa: D102, PLR0917 - the built-in's own arguments
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,  # noqa: FBT001, FBT002
        opener: Any = None,
    ) -> Any:
        if not self._is_ours(mode, buffering, encoding, errors, newline):
            return self._old(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = FileIO(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        try:
            return self._dressed(raw, mode, buffering, (encoding, errors, newline))
        except BaseException:
            raw.close()
            raise

    @staticmethod
    def _is_ours(mode: Any, buffering: Any, *text: Any) -> bool:
        if not isinstance(mode, str) or not set(mode) & set("wax+") or not isinstance(buffering, int):
            return False
        odd = len(set(mode)) != len(mode) or set(mode) - set("rwaxbt+") or len(set(mode) & set("rwax")) != 1
        if odd or {"b", "t"} <= set(mode):
            return False
        return not any(part is not None for part in text) if "b" in mode else buffering != 0

    @staticmethod
    def _dressed(raw: FileIO, mode: str, buffering: int, text: tuple[Any, Any, Any]) -> Any:
        by_lines = buffering == 1 or (buffering < 0 and raw.isatty())
        if buffering == 0:
            return raw
        size = buffering if buffering > 1 else max(getattr(raw, "_blksize", 0), io.DEFAULT_BUFFER_SIZE)
        buffered = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw, size)
        if "b" in mode:
            return buffered
        encoding, errors, newline = text
        dressed = io.TextIOWrapper(
            buffered, io.text_encoding(encoding, 3), errors, newline, "b" not in mode and by_lines
        )
        dressed.mode = mode  # type: ignore[misc]
        return dressed


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
