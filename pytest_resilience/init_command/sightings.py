"""What one Python file shows of what it talks to and how it is started; read from its syntax, never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_resilience.init_command.environment_reads import environment_reads
from pytest_resilience.init_command.routes import Routes, routes_in

_WEB = {"FastAPI": "fastapi", "Starlette": "fastapi", "Flask": "flask"}


@dataclass(frozen=True, slots=True)
class App:
    """A web application.

    Args:
        framework: `fastapi` (or another that uvicorn runs) or `flask`.
        name: the variable, or the function that makes it.
        is_factory: whether it is a function.
        line: where it is made.
    """

    framework: str
    name: str
    is_factory: bool
    line: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python file and what was seen in it.

    Args:
        path: relative to the project's folder.
        module: the name by which it is imported; none for a script outside of packages.
        import_root: the folder from which that name works, relative; `.` is the project's folder.
        imports: dotted names, absolute, with their first line.
        reads: environment variables, with their first line.
        main_line: where it asks whether it is the program that runs.
        apps: web applications.
        routes: what its handlers answer, and whose it takes in.
        arguments: names of positional arguments that its command line asks for.
        texts: its text constants.
    """

    path: Path
    module: str | None
    import_root: Path
    imports: dict[str, int] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)
    main_line: int | None = None
    apps: tuple[App, ...] = ()
    routes: Routes = field(default_factory=Routes)
    arguments: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()

    def line_of(self, *libraries: str) -> int | None:
        """Return where one of these libraries is imported first."""
        lines = [line for name, line in self.imports.items() if _is_of(name, libraries)]
        return min(lines, default=None)

    def at(self, line: int) -> str:
        """Return `file:line`."""
        return f"{self.path.as_posix()}:{line}"


def look_at(text: str, path: Path, module: str | None, import_root: Path) -> SourceFile:
    """Return what a file shows.

    Raises:
        SyntaxError, ValueError: it is no Python.
    """
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    is_package = path.name == "__init__.py"
    return SourceFile(
        path=path,
        module=module,
        import_root=import_root,
        imports=_first_lines(_imports(nodes, module, is_package=is_package)),
        reads=_first_lines(environment_reads(nodes)),
        main_line=next((node.lineno for node in tree.body if _is_main_guard(node)), None),
        apps=tuple(_apps(tree)),
        routes=routes_in(nodes, _names(nodes, module, is_package=is_package)),
        arguments=tuple(_arguments(nodes)),
        texts=frozenset(
            node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ),
    )


def _is_of(name: str, libraries: tuple[str, ...]) -> bool:
    return any(name == library or name.startswith(f"{library}.") for library in libraries)


def _first_lines(found: Iterator[tuple[str, int]]) -> dict[str, int]:
    lines: dict[str, int] = {}
    for name, line in found:
        lines[name] = min(line, lines.get(name, line))
    return lines


def _imports(nodes: list[ast.AST], module: str | None, *, is_package: bool) -> Iterator[tuple[str, int]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = _absolute(node, module, is_package=is_package)
            if start:
                yield start, node.lineno
                yield from ((f"{start}.{alias.name}", node.lineno) for alias in node.names)


def _names(nodes: list[ast.AST], module: str | None, *, is_package: bool) -> Iterator[tuple[str, str]]:
    """Give each name that is imported, and what it stands for."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.asname, alias.name) for alias in node.names if alias.asname)
        elif isinstance(node, ast.ImportFrom):
            start = _absolute(node, module, is_package=is_package)
            yield from ((alias.asname or alias.name, f"{start}.{alias.name}") for alias in node.names)


def _absolute(node: ast.ImportFrom, module: str | None, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = (module or "").split(".")
    kept = parts[: len(parts) - node.level + is_package]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _is_main_guard(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If):
        return False
    test = ast.unparse(node.test)
    return "__name__" in test and "__main__" in test


def _apps(tree: ast.Module) -> Iterator[App]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            framework = _framework(node.value)
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if framework and isinstance(target, ast.Name):
                yield App(framework, target.id, is_factory=False, line=node.lineno)
        elif isinstance(node, ast.FunctionDef) and re.match(r"(create|make|build|get)_\w*app", node.name):
            made = next(filter(None, (_framework(each) for each in ast.walk(node))), None)
            if made:
                yield App(made, node.name, is_factory=True, line=node.lineno)


def _framework(node: ast.AST | None) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    return _WEB.get(ast.unparse(node.func).rpartition(".")[2])


def _arguments(nodes: list[ast.AST]) -> Iterator[str]:
    """Give the names of positional arguments: of argparse and click, or `sys.argv[1]` itself."""
    for node in nodes:
        text = ast.unparse(node) if isinstance(node, ast.Call | ast.Subscript) else ""
        named = re.match(r"[\w.]*(?:add_argument|click\.argument)\('([A-Za-z]\w*)'(?!.*nargs='[?*]')", text)
        if named:
            yield named[1]
        elif re.fullmatch(r"(?:sys\.)?argv\[[1-9]\]", text):
            yield text
