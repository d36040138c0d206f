"""The files of a project that tell something: Python, SQL, its declared scripts, alembic.ini."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_resilience.chaos.configuration.packages import own_folders
from pytest_resilience.init_command.routes import Include
from pytest_resilience.init_command.scripts import Script, scripts_of
from pytest_resilience.init_command.sightings import SourceFile, look_at

_ASIDE = {"tests", "test", "testing", "docs", "doc", "examples", "benchmarks", "benchmark", "notebooks"}
_LISTS = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "requirements*.txt", "requirements/*.txt")
"""Where dependencies are listed."""
_TOOLS = {"setup.py", "conftest.py", "noxfile.py", "fabfile.py"}


@dataclass(frozen=True, slots=True)
class Project:
    """A project as it was found.

    Args:
        folder: where it is.
        sources: its Python files.
        unreadable: Python files that could not be read, relative.
        sql: its SQL files, relative.
        scripts: the commands that it installs.
        has_alembic, has_django: whether one of them makes its tables.
    """

    folder: Path
    sources: tuple[SourceFile, ...]
    unreadable: tuple[Path, ...]
    sql: tuple[Path, ...]
    scripts: tuple[Script, ...]
    has_alembic: bool
    has_django: bool

    def reached_from(self, start: SourceFile) -> list[SourceFile]:
        """Return a file and all that it imports, directly or not, of the project's own."""
        by_module = self._by_module
        reached = {start.path: start}
        waiting = [start]
        while waiting:
            for name in waiting.pop().imports:
                found = by_module.get(name)
                if found and found.path not in reached:
                    reached[found.path] = found
                    waiting.append(found)
        return list(reached.values())

    def answers_of(self, start: SourceFile) -> list[tuple[str, str]]:
        """Return method and path of all that the application of a file answers, in order."""
        owners = {route.owner for route in start.routes.answered} | {
            include.owner for include in start.routes.includes
        }
        found: list[tuple[str, str]] = []
        for owner in sorted(owners - start.routes.prefixes.keys()):
            found += self._answers(start, owner, "", frozenset())
        return found

    def _answers(
        self, source: SourceFile, owner: str, prefix: str, above: frozenset[tuple[Path, str]]
    ) -> Iterator[tuple[str, str]]:
        """Give what an application or a router answers, behind this prefix."""
        if (source.path, owner) in above:
            return
        routes, above = source.routes, above | {(source.path, owner)}
        prefix += routes.prefixes.get(owner, "")
        yield from (
            (route.method, f"{prefix}{route.path}" or "/")
            for route in routes.answered
            if route.owner == owner
        )
        for include in routes.includes:
            if include.owner == owner:
                found = self._included(source, include)
                if found is not None:
                    yield from self._answers(*found, f"{prefix}{include.prefix}", above)

    def _included(self, source: SourceFile, include: Include) -> tuple[SourceFile, str] | None:
        """Return the file of a router that is taken in, and the router's name there."""
        by_module = self._by_module
        if include.is_module:
            found = by_module.get(include.target)
            return None if found is None else (found, "")
        target = include.target
        for _ in self.sources:  # a package's __init__.py may have it from elsewhere
            first, _, rest = target.partition(".")
            if not rest and first in source.routes.prefixes:
                return source, first
            dotted = source.routes.names.get(first)
            module, _, name = f"{dotted}.{rest}".rstrip(".").rpartition(".")
            if dotted is None or module not in by_module:
                return None
            source, target = by_module[module], name
        return None

    @property
    def _by_module(self) -> dict[str, SourceFile]:
        return {source.module: source for source in self.sources if source.module}

    def mentions(self, distribution: str) -> bool:
        """Tell whether a file that lists dependencies names a distribution."""
        name = re.compile(rf"(?<![\w.-]){re.escape(distribution)}(?![\w-])", re.IGNORECASE)
        return any(name.search(_text(file)) for form in _LISTS for file in sorted(self.folder.glob(form)))

    @property
    def packages(self) -> list[str]:
        """The outermost packages."""
        return sorted(
            {
                source.module.partition(".")[0]
                for source in self.sources
                if source.module and _in_package(source)
            }
        )

    @property
    def modules(self) -> list[str]:
        """The modules that are in no package, beside pyproject.toml or in `src`."""
        return sorted(source.module for source in self.sources if source.module and not _in_package(source))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def look_around(folder: Path) -> Project:
    """Return what a project has; what does not run in production is left out, and so are environments."""
    sources, unreadable = [], []
    paths = list(_own_files(folder))
    packages = {path.parent for path in paths if path.name == "__init__.py"}
    for path in paths:
        if path.suffix == ".py":
            source = _source(folder, path, packages)
            if source is None:
                unreadable.append(path)
            else:
                sources.append(source)
    return Project(
        folder=folder,
        sources=tuple(sources),
        unreadable=tuple(unreadable),
        sql=tuple(path for path in paths if path.suffix == ".sql"),
        scripts=scripts_of(folder),
        has_alembic=(folder / "alembic.ini").is_file(),
        has_django="django" in _text(folder / "manage.py"),
    )


def _own_files(folder: Path) -> Iterator[Path]:
    for place, files in own_folders(folder):
        inside = place.relative_to(folder)
        if _ASIDE.isdisjoint(inside.parts):
            yield from (inside / name for name in files if _tells_something(name))


def _tells_something(name: str) -> bool:
    is_test = name.startswith("test_") or name.endswith("_test.py") or name in _TOOLS
    return name.endswith((".py", ".sql")) and not is_test and name.isprintable()


def _source(folder: Path, path: Path, packages: set[Path]) -> SourceFile | None:
    root = path.parent
    while root in packages:
        root = root.parent
    module = _module(path.relative_to(root), is_beside=root == Path() or root == Path("src"))
    try:
        text = (folder / path).read_text(encoding="utf-8-sig")
        return look_at(text, path, module, root)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _module(path: Path, *, is_beside: bool) -> str | None:
    """Return the dotted name; a file outside of packages has one only where programs are started from."""
    parts = [*path.parent.parts, *([] if path.stem == "__init__" else [path.stem])]
    is_importable = all(part.isidentifier() for part in parts)
    return (
        ".".join(parts)
        if is_importable and (is_beside or len(parts) > 1 or path.stem == "__init__")
        else None
    )


def _in_package(source: SourceFile) -> bool:
    return source.path.parent != source.import_root
