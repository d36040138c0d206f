"""Finds the files of the code under test and parses them; nothing is imported."""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_resilience.checklist.static.report import EntryPoint, Place

_FOREIGN = {"venv", "env", "node_modules", "site-packages", "__pycache__", "build", "dist", "tests", "test"}
_MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)


@dataclass(slots=True)
class Source:
    """One module: its dotted name, its path from the folder, and its tree."""

    name: str
    path: str
    tree: ast.Module
    lines: int
    is_package: bool

    def where(self, node: ast.AST) -> str:
        """Return `path:line` of a part of it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def site(self, node: ast.AST) -> str:
        """Return `path:line:column`, and where it ends, which tells apart calls in a chain."""
        end = f"{getattr(node, 'end_lineno', 0)}.{getattr(node, 'end_col_offset', 0)}"
        return f"{self.path}:{getattr(node, 'lineno', 1)}:{getattr(node, 'col_offset', 0) + 1}:{end}"


@dataclass(slots=True)
class Project:
    """All modules by name, and what could not be read."""

    modules: dict[str, Source] = field(default_factory=dict)
    broken: list[Place] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)

    def is_ours(self, name: str) -> bool:
        """Return whether a dotted name is a module of the code, or a folder of such."""
        return name in self.modules or name in self.folders


def read(folder: Path, packages: Sequence[str], entry_points: Iterable[EntryPoint]) -> Project:
    """Read packages, and the modules and scripts that the entry points name."""
    project = Project()
    folder = folder.resolve()
    entries = list(entry_points)
    for package in packages or _everything(folder):
        _add_package(project, folder, package, entries)
    for entry in entries:
        _add_entry(project, folder, entry)
    project.modules = dict(sorted(project.modules.items()))
    for name in project.modules:
        parts = name.split(".")
        project.folders.update(".".join(parts[:length]) for length in range(1, len(parts)))
    return project


def _everything(folder: Path) -> list[str]:
    """Return what there is, where nothing is named."""
    names = []
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        is_code = entry.suffix == ".py" or (entry.is_dir() and next(_python_files(entry), None) is not None)
        if is_code and not entry.name.startswith(".") and entry.name not in _FOREIGN:
            names.append(entry.name)
    return ["src"] if "src" in names else names


def _places(folder: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """Yield where something may stand, and the folder that its dotted name starts from."""
    as_path = Path(name) if "/" in name or name.endswith(".py") else Path(*name.split("."))
    for root in (folder, folder / "src", *sorted(entry for entry in folder.iterdir() if entry.is_dir())):
        yield root / as_path, root
        if as_path.suffix != ".py":
            yield root / as_path.with_name(f"{as_path.name}.py"), root


def _find(folder: Path, name: str) -> tuple[Path, Path] | None:
    if not name.strip() or not folder.is_dir():
        return None
    for path, root in _places(folder, name):
        if path.resolve().is_relative_to(folder) and (path.is_file() or (path.is_dir() and path != folder)):
            return path, root
    return None


def _add_package(project: Project, folder: Path, package: str, entries: Sequence[EntryPoint]) -> None:
    found = _find(folder, package)
    if found is None:
        project.notes.append(
            f"package {package!r} was not found under {folder.name}/: nothing of it was read"
        )
        return
    path, root = found
    root = _import_root(folder, path, entries, written=root if "/" not in package else None) or root
    for file in [path] if path.is_file() else sorted(_python_files(path)):
        _add_file(project, folder, root, file)


def _is_package(path: Path) -> bool:
    return path.is_file() or (path / "__init__.py").is_file()


def _import_root(
    folder: Path, path: Path, entries: Sequence[EntryPoint], *, written: Path | None
) -> Path | None:
    """Return the folder that dotted names start from: as entry points have it, else as it is written as a dotted name.

    Else the one above the outermost package; none for a folder that is no package.
    """
    above = [path.parent, *path.parent.parents]
    roots = [root for root in (path, *above) if root.is_relative_to(folder) and root.is_dir()]
    names = [entry.module or (entry.function or "").partition(":")[0] for entry in entries]
    for root in roots:
        ends = [root.joinpath(*name.split(".")) for name in names if name]
        places = [place for end in ends for place in (end, end.with_name(f"{end.name}.py")) if place.exists()]
        if any(place.is_relative_to(path) or path.is_relative_to(place) for place in places):
            return root
    if not _is_package(path):
        return path if path.name == "src" else written
    if written is not None:
        return written
    return next((root for root in roots if root != path and not (root / "__init__.py").is_file()), None)


def _python_files(path: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(path):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _FOREIGN)
        yield from (Path(place) / file for file in sorted(files) if file.endswith(".py"))


def _add_file(project: Project, folder: Path, root: Path, file: Path) -> None:
    parts = list(file.relative_to(root).with_suffix("").parts)
    is_package = parts[-1] == "__init__" and len(parts) > 1
    name = ".".join(parts[:-1] if is_package else parts)
    if name in project.modules:
        return
    path = file.relative_to(folder).as_posix()
    try:
        content = file.read_bytes()
        tree = _parsed(content)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        project.broken.append(Place(path=path, line=line, what=f"cannot be read: {error}"))
        return
    project.modules[name] = Source(name, path, tree, content.count(b"\n") + 1, is_package)


def _parsed(content: bytes) -> ast.Module:
    """Parse a file; the magic lines of a notebook count as nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(content)
        except SyntaxError:
            text = content.decode("utf-8", errors="strict")
            if not _MAGIC.search(text):
                raise
            return ast.parse(_MAGIC.sub(r"\1pass", text))


def _add_entry(project: Project, folder: Path, entry: EntryPoint) -> None:
    name = entry.module or entry.script or (entry.function or "").partition(":")[0]
    if name in project.modules or f"{name}.__main__" in project.modules:
        return
    found = _find(folder, name)
    if found is None:
        project.notes.append(f"entry point {name!r} was not found under {folder.name}/")
        return
    path, root = found
    if entry.script is not None:
        root = path.parent
    for file in [path] if path.is_file() else sorted(_python_files(path)):
        if not any(source.path == file.relative_to(folder).as_posix() for source in project.modules.values()):
            _add_file(project, folder, root, file)
