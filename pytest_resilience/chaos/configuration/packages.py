"""Where the code that a configuration names stands, found without importing any of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.machinery import PathFinder
from pathlib import Path

from pytest_resilience.chaos.configuration.inside import is_there

SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist", "venv", "env"})
"""Folders that hold no code of the team's own."""


def locate(name: str, folder: Path) -> Path | None:
    """Return the folder or the file of a package or a module, or none where it cannot be found.

    It is looked for below the folder, in its `src`, where Python finds it, and in any folder further down.

    Args:
        name: `package`, `package.module`, or a path from the folder.
        folder: the configuration's folder.
    """
    relative = name if "/" in name or name.endswith(".py") else name.replace(".", "/")
    near = next(filter(None, (_at(start / relative) for start in (folder, folder / "src"))), None)
    return near or _importable(name) or next(_below(folder, relative), None)


def similar(name: str, folder: Path) -> str:
    """Return `: did you mean X?` where a module below the folder has a name like it."""
    dotted = name.removesuffix(".py").replace("/", ".")
    names = {
        module
        for place, files in own_folders(folder)
        for module in _modules(place.relative_to(folder), files)
    }
    close = get_close_matches(dotted, sorted(names), n=1)
    return f": did you mean {close[0]!r}?" if close else ""


def own_folders(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Give each folder of the team's own code with the names of its files: no hidden folder, no environment."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not _is_foreign(Path(place, each)))
        yield Path(place), sorted(files)


def _modules(place: Path, files: list[str]) -> Iterator[str]:
    """Give the names by which what is in a folder is imported, from the project's folder or from its `src`."""
    parts = place.parts[1:] if place.parts[:1] == ("src",) else place.parts
    for file in files:
        if file == "__init__.py" and parts:
            yield ".".join(parts)
        elif file.endswith(".py"):
            yield ".".join((*parts, file.removesuffix(".py")))


def _is_foreign(folder: Path) -> bool:
    return folder.name in SKIPPED or folder.name.startswith(".") or (folder / "pyvenv.cfg").is_file()


def _at(path: Path) -> Path | None:
    if is_there(path, "folder") or (path.suffix == ".py" and is_there(path, "file")):
        return path
    module = path.parent / f"{path.name}.py"
    return module if is_there(module, "file") else None


def _importable(name: str) -> Path | None:
    first, *rest = name.split(".")
    spec = PathFinder.find_spec(first) if first.isidentifier() else None
    places = spec.submodule_search_locations if spec else None
    if spec is None or not rest:
        return Path(spec.origin) if spec and spec.origin and places is None else _first(places)
    return next(filter(None, (_at(Path(place, *rest)) for place in places or ())), None)


def _first(places: list[str] | None) -> Path | None:
    return next((Path(place) for place in places or ()), None)


def _below(folder: Path, relative: str) -> Iterator[Path]:
    for place, _ in own_folders(folder):
        found = _at(place / relative)
        if found:
            yield found
