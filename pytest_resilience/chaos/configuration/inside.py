"""Paths that a configuration names: relative, there, and inside its folder."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeAlias

from pytest_resilience.chaos.configuration.table import Table

Thing: TypeAlias = Literal["file", "folder", "file or folder"]


def inside(folder: Path, path: str) -> Path | None:
    """Return the path below a folder, or none where it leads out of it, also by a symbolic link."""
    try:
        leads_to = (folder / path).resolve()
    except (OSError, RuntimeError, ValueError):
        return None
    stays = not Path(path).is_absolute() and leads_to.is_relative_to(folder.resolve())
    return folder / path if stays else None


def named_path(table: Table, folder: Path, path: str, thing: Thing, *keys: str | int) -> Path | None:
    """Return a path that the configuration names, or complain that it leads out of the folder or is not there."""
    label = f"{table.label('.'.join(key for key in keys if isinstance(key, str)))} names {path!r}"
    found = inside(folder, path)
    if found is None:
        table.complain(f"{label}, which is outside of {folder}: paths are relative, and stay below it", *keys)
    elif not is_there(found, thing):
        table.complain(f"{label}, and there is no such {thing} below {folder}{_near(found)}", *keys)
        return None
    return found


def is_there(path: Path, thing: Thing) -> bool:
    """Return whether there is such a thing."""
    try:
        if thing == "file":
            return path.is_file()
        return path.is_dir() if thing == "folder" else path.exists()
    except OSError:  # for example a name that no file can have
        return False


def _near(path: Path) -> str:
    """Say what stands beside it with a similar name, or that its folder is not there."""
    if not is_there(path.parent, "folder"):
        return f" (nor a folder {path.parent.name!r})"
    close = get_close_matches(path.name, [each.name for each in path.parent.iterdir()], n=1)
    return f": did you mean {close[0]!r}?" if close else ""
