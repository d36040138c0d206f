"""Writes files that only their owner reads, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pytest_resilience.errors import HarnessError


def write_files(folder: Path, contents: Mapping[str, str | None]) -> tuple[Path, ...]:
    """Write files into a folder, which is made where there is none, and return their paths.

    Args:
        folder: where they go.
        contents: by file name; none removes what stands there from a run before.

    Raises:
        HarnessError: the folder cannot be written, or is a link of somebody else's.
    """
    with _told(folder):
        _prepare(folder)
        for name, content in contents.items():
            if content is None:
                (folder / name).unlink(missing_ok=True)
            else:
                write_file(folder / name, content)
    return tuple(folder / name for name, content in contents.items() if content is not None)


def try_to_write(folder: Path) -> None:
    """Find out whether files can be written into a folder, and leave nothing there, nor the folder itself.

    Raises:
        HarnessError: they cannot.
    """
    with _told(folder):
        _refuse_foreign_link(folder)
        place = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
        with tempfile.TemporaryDirectory(dir=place, prefix=".writable."):
            pass


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HarnessError(
            f"the report cannot be written to {folder}: {error}; name another folder"
        ) from error


def write_file(path: Path, content: str) -> None:
    """Replace a file at once, so that no reader sees half of it; a link there is replaced, not followed."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _prepare(folder: Path) -> None:
    _refuse_foreign_link(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _refuse_foreign_link(folder: Path) -> None:
    if folder.is_symlink() and folder.lstat().st_uid != os.getuid():
        raise HarnessError(
            f"{folder} is a link that belongs to somebody else: remove it, or name another folder"
        )
