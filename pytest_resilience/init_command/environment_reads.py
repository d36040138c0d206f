"""Which environment variables a piece of Python reads, in the ways that people write it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_READERS = re.compile(r"(?:\w+\.)*environ(?:\.(?:get|pop|setdefault))|(?:os\.)?getenv|config|env(?:\.\w+)?")
_OF_DJANGO = re.compile(r"dj_database_url\.config|\w*env\.db(?:_url)?", re.IGNORECASE)
"""What reads DATABASE_URL where no other variable is named: dj-database-url and django-environ."""
_KEYWORDS = {"envvar", "var", "env", "validation_alias", "alias"}


def environment_reads(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, int]]:
    """Give each variable and its line: `os.environ`, `getenv`, decouple, environs, click, pydantic's settings."""
    constants = _constants(nodes)
    for node in nodes:
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
            yield from _named(node.slice, constants)
        elif isinstance(node, ast.Call):
            yield from _in_call(node, constants)
        elif isinstance(node, ast.ClassDef) and any(
            "BaseSettings" in ast.unparse(base) for base in node.bases
        ):
            yield from _in_settings(node)


def _constants(nodes: Sequence[ast.AST]) -> dict[str, ast.expr]:
    return {
        node.targets[0].id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


def _in_call(node: ast.Call, constants: dict[str, ast.expr]) -> Iterator[tuple[str, int]]:
    if not node.args and _OF_DJANGO.fullmatch(ast.unparse(node.func)) and not _names_another(node):
        yield "DATABASE_URL", node.lineno
    if node.args and _READERS.fullmatch(ast.unparse(node.func)):
        yield from _named(node.args[0], constants)
    for keyword in node.keywords:
        if keyword.arg in _KEYWORDS:
            yield from _named(keyword.value, constants)


def _names_another(node: ast.Call) -> bool:
    return any(keyword.arg in {"env", "var"} for keyword in node.keywords)


def _named(node: ast.expr, constants: dict[str, ast.expr]) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.IfExp):
        for one in (node.body, node.orelse):
            yield from _named(one, constants)
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("AliasChoices"):
        for one in node.args:
            yield from _named(one, constants)
    value = constants.get(node.id, node) if isinstance(node, ast.Name) else node
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and _VARIABLE.fullmatch(value.value):
        yield value.value, node.lineno


def _in_settings(node: ast.ClassDef) -> Iterator[tuple[str, int]]:
    prefix = re.search(r"env_prefix\s*=\s*['\"](\w*)['\"]", ast.unparse(node))
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and not _has_alias(field.value):
            name = ast.unparse(field.target)
            if name != "model_config":
                yield f"{prefix[1] if prefix else ''}{name}".upper(), field.lineno


def _has_alias(default: ast.expr | None) -> bool:
    """Whether a field is read from a variable of another name, which stands there: then it has no prefix."""
    return isinstance(default, ast.Call) and any(keyword.arg in _KEYWORDS for keyword in default.keywords)
