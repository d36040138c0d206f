"""Reads catalogues: TOML files of which every key is checked, so that a misspelled one is not silently nothing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.checklist.static.catalogue.model import (
    Boundary,
    Catalogue,
    Growth,
    Guard,
    Hook,
    Runner,
    Sink,
)
from pytest_resilience.errors import HarnessError

_BRACES = re.compile(r"\{([^{}]*)\}")
_SHAPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "tuple[str, ...]": (list,),
    "None": (),
    "Mapping[str, tuple[str, ...]]": (dict,),
}
_WORDS: Mapping[str, tuple[str, ...]] = {
    "kind": ("retry", "breaker", "fallback", "swallow", "translation", "timeout", "parts"),
    "runs": ("now", "detached", "later"),
    "backoff": ("constant", "linear", "exponential", "growth", "unknown"),
    "transaction": ("commit", "begin"),
    "service": ("postgres", "http", "mlflow", "smtp", "redis", "s3", "tcp"),
}


class CatalogueError(HarnessError):
    """Say what in a catalogue cannot be understood: the file, the table, and what is known."""


def load(paths: Sequence[Path] = ()) -> Catalogue:
    """Return the catalogue of the package, with further files added; a later file wins. It is not to be changed."""
    return _loaded((*_packaged(), *((str(path), _read(path)) for path in paths)))


@cache
def _loaded(texts: tuple[tuple[str, str], ...]) -> Catalogue:
    catalogue = Catalogue()
    for name, content in texts:
        _add(catalogue, name, _parsed(name, content))
    return catalogue


@cache
def _packaged() -> tuple[tuple[str, str], ...]:
    folder = files("pytest_resilience.checklist.static.catalogue") / "data"
    found = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name
    )
    return tuple((entry.name, entry.read_text(encoding="utf-8")) for entry in found)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(
            f"the catalogue {path} cannot be read: {error}; name a TOML file in UTF-8"
        ) from error


def _parsed(name: str, content: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{name} is not TOML: {error}") from error


def expanded(path: str) -> Iterator[str]:
    """Yield the paths that `a.{b,c}` stands for."""
    found = _BRACES.search(path)
    if found is None:
        yield path
        return
    for word in found[1].split(","):
        yield from expanded(path[: found.start()] + word.strip() + path[found.end() :])


def _all(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for path in paths for one in expanded(path))


def _add(catalogue: Catalogue, name: str, content: dict[str, Any]) -> None:
    library, service = content.pop("library", None), content.pop("service", None)
    for key, value in content.items():
        add = _SECTIONS.get(key)
        if add is None:
            raise CatalogueError(f"{name}: {key!r} is no section of a catalogue: {nearest(key, _SECTIONS)}")
        entries = value if isinstance(value, list) and value and isinstance(value[0], dict) else [value]
        for entry in entries:
            given = {"library": library, "service": service}
            add(catalogue, f"{name}, {key}", entry, {k: v for k, v in given.items() if v is not None})


def _checked(model: type, where: str, entry: Any, defaults: Mapping[str, Any] = {}) -> dict[str, Any]:
    """Return the entry with lists as tuples; refuse what the model does not know."""
    if not isinstance(entry, dict):
        raise CatalogueError(f"{where}: expected a table, got {entry!r}")
    known = {field.name: str(field.type) for field in fields(model)}
    complete = {**{key: value for key, value in defaults.items() if key in known}, **entry}
    for key, value in complete.items():
        if key not in known:
            raise CatalogueError(f"{where}: unknown key {key!r}: {nearest(key, known)}")
        _check_value(where, key, known[key], value)
    return {key: _frozen(value) for key, value in complete.items()}


def _check_value(where: str, key: str, annotation: str, value: Any) -> None:
    shapes = [shape for word, types in _SHAPES.items() if word in annotation for shape in types]
    if shapes and type(value) not in shapes and not ("Literal" in annotation and isinstance(value, str)):
        raise CatalogueError(f"{where}: {key} = {value!r} is no {annotation}")
    words = _WORDS.get(key)
    if words and value not in words:
        raise CatalogueError(f"{where}: {key} = {value!r}: {nearest(str(value), words)}")


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return _all(value)
    if isinstance(value, dict):
        return {path: _all(names) for key, names in value.items() for path in expanded(key)}
    return value


def _made(model: Callable[..., Any], where: str, values: dict[str, Any]) -> Any:
    try:
        return model(**values)
    except TypeError as error:
        raise CatalogueError(f"{where}: {str(error).partition('__init__() ')[2] or error}") from error


def _paths(where: str, entry: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    rest = dict(entry) if isinstance(entry, dict) else {}
    paths = rest.pop("paths", None)
    if not isinstance(paths, list) or not paths:
        raise CatalogueError(f"{where}: it needs paths, a list of dotted names; got {paths!r}")
    return rest, _all(paths)


def _add_sink(catalogue: Catalogue, where: str, entry: Any, defaults: Mapping[str, Any]) -> None:
    rest, paths = _paths(where, entry)
    for path in paths:
        values = _checked(Sink, where, {"path": path, **rest}, defaults)
        catalogue.sinks[path] = _made(Sink, where, values)


def _add_runner(catalogue: Catalogue, where: str, entry: Any, _: Mapping[str, Any]) -> None:
    rest, paths = _paths(where, entry)
    for path in paths:
        catalogue.runners[path] = _made(Runner, where, _checked(Runner, where, {"path": path, **rest}))


def _add_hook(catalogue: Catalogue, where: str, entry: Any, defaults: Mapping[str, Any]) -> None:
    rest, paths = _paths(where, entry)
    for path in paths:
        values = _checked(Hook, where, {"path": path, **rest}, defaults)
        catalogue.hooks[path] = _made(Hook, where, values)


def _add_guard(catalogue: Catalogue, where: str, entry: Any, defaults: Mapping[str, Any]) -> None:
    catalogue.guards.append(_made(Guard, where, _checked(Guard, where, entry, defaults)))


def _add_boundary(catalogue: Catalogue, where: str, entry: Any, _: Mapping[str, Any]) -> None:
    catalogue.boundaries.append(_made(Boundary, where, _checked(Boundary, where, entry)))


def _add_growths(catalogue: Catalogue, where: str, entry: Any, _: Mapping[str, Any]) -> None:
    for path, growth in _table(where, entry).items():
        values = _checked(Growth, where, growth)
        catalogue.growths.update({one: _made(Growth, where, values) for one in expanded(path)})


def _table(where: str, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise CatalogueError(f"{where}: expected a table of dotted names, got {entry!r}")
    return entry


def _mapping(name: str, kind: type) -> Callable[[Catalogue, str, Any, Mapping[str, Any]], None]:
    def add(catalogue: Catalogue, where: str, entry: Any, _: Mapping[str, Any]) -> None:
        for path, value in _table(where, entry).items():
            if type(value) is not kind:
                raise CatalogueError(f"{where}: {path} = {value!r} is no {kind.__name__}")
            kept = _all(value) if isinstance(value, list) else value
            getattr(catalogue, name).update({one: _starred(kept, one) for one in expanded(path)})

    return add


def _starred(value: Any, path: str) -> Any:
    """Fill in `*`, which stands for the last word of the key."""
    return value.replace("*", path.rpartition(".")[2]) if isinstance(value, str) else value


def _names(name: str) -> Callable[[Catalogue, str, Any, Mapping[str, Any]], None]:
    def add(catalogue: Catalogue, where: str, entry: Any, _: Mapping[str, Any]) -> None:
        if not isinstance(entry, list) or not all(isinstance(path, str) for path in entry):
            raise CatalogueError(f"{where}: expected a list of dotted names, got {entry!r}")
        getattr(catalogue, name).update(_all(entry))

    return add


_SECTIONS: Mapping[str, Callable[[Catalogue, str, Any, Mapping[str, Any]], None]] = {
    "sink": _add_sink,
    "runner": _add_runner,
    "hook": _add_hook,
    "guard": _add_guard,
    "boundary": _add_boundary,
    "growths": _add_growths,
    "returns": _mapping("returns", str),
    "aliases": _mapping("aliases", str),
    "bases": _mapping("bases", list),
    "reads": _mapping("reads", bool),
    "configures": _mapping("configures", int),
    "passes": _names("passes"),
    "elements": _names("elements"),
    "sleeps": _names("sleeps"),
    "autocommit": _names("autocommit"),
}
