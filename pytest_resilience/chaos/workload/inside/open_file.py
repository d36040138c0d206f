"""The built-in `open`, whose files are watched where something may be written to them."""

from __future__ import annotations

import _io
import io
from typing import Any

from .watch import WATCH, full_path, path_of


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
