"""Makes dataclasses from JSON, and says where a file is not what was expected."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import date
from functools import cache, partial
from typing import Any, Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
_Reader: TypeAlias = Callable[[Any], Any]


class ShapeError(ValueError):
    """Say at which place a value is not of the form that is expected there."""


def typed(kind: type[T], data: Any, *, at: str = "$") -> T:
    """Return `data` as an instance of a dataclass; keys that it does not know are passed over.

    Raises:
        ShapeError: a value is missing or of another form.
    """
    try:
        return cast("T", _reader(cast("Hashable", kind))(data))
    except _MisfitError as misfit:
        raise ShapeError(f"{at}{misfit}") from None


class _MisfitError(Exception):
    """Say what does not fit, and on its way out where that is: the path of what fits is never put together."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self._words = words
        self._path: list[str] = []

    def inside(self, step: str) -> _MisfitError:
        """Return it as seen from one step further out."""
        self._path.append(step)
        return self

    def __str__(self) -> str:
        return f"{''.join(reversed(self._path))} {self._words}"


@cache
def _reader(hint: Any) -> _Reader:
    """Return what makes a value of an annotation; there are few of these in a report, and very many values."""
    if hint is Any:
        return _as_it_is
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return _optional(next(part for part in parts if part is not type(None)))
    if origin is Literal:
        return partial(_one_of, parts)
    if origin is not None:
        return partial(_tuple if origin is tuple else _mapping, _reader(parts[0 if origin is tuple else 1]))
    return partial(_object if dataclasses.is_dataclass(hint) else _plain, hint)


def _as_it_is(data: Any) -> Any:
    return data


def _optional(hint: Any) -> _Reader:
    read = _reader(hint)
    return lambda data: None if data is None else read(data)


def _object(kind: type[Any], data: Any) -> Any:
    if not isinstance(data, Mapping):
        raise _MisfitError(f"is {_shown(data)}: expected an object")
    given = {}
    for name, read, needed in _fields(cast("Hashable", kind)):
        if name in data:
            try:
                given[name] = read(data[name])
            except _MisfitError as misfit:
                raise misfit.inside(f".{name}") from None
        elif needed:
            raise _MisfitError("is missing").inside(f".{name}")
    return kind(**given)


@cache
def _fields(kind: Hashable) -> tuple[tuple[str, _Reader, bool], ...]:
    """Return name, reader, and whether it is needed, of each field."""
    hints = get_type_hints(kind)
    missing = dataclasses.MISSING
    return tuple(
        (each.name, _reader(hints[each.name]), each.default is missing and each.default_factory is missing)
        for each in dataclasses.fields(cast("Any", kind))
    )


def _tuple(read: _Reader, data: Any) -> tuple[Any, ...]:
    return tuple(_each(read, enumerate(_a(list, data)), "[{}]"))


def _mapping(read: _Reader, data: Any) -> dict[str, Any]:
    given = _a(dict, data)
    return dict(zip(map(str, given), _each(read, given.items(), ".{}"), strict=True))


def _each(read: _Reader, items: Iterable[tuple[Any, Any]], step: str) -> Iterator[Any]:
    for key, each in items:
        try:
            yield read(each)
        except _MisfitError as misfit:
            raise misfit.inside(step.format(key)) from None


def _one_of(words: tuple[Any, ...], data: Any) -> Any:
    if data not in words:
        raise _MisfitError(f"is {_shown(data)}: expected one of {', '.join(map(str, words))}")
    return data


def _plain(hint: type, data: Any) -> Any:
    if type(data) is hint:
        return data
    if hint is date and isinstance(data, str):
        try:
            return date.fromisoformat(data)
        except ValueError:
            raise _MisfitError(f"is {_shown(data)}: expected a date") from None
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(data, bool) and hint is not bool:
        raise _MisfitError(f"is {_shown(data)}: expected {hint.__name__}")
    return _a(hint, data)


def _a(kind: type, data: Any) -> Any:
    if not isinstance(data, kind):
        raise _MisfitError(f"is {_shown(data)}: expected {kind.__name__}")
    return data


def _shown(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 60 else f"{text[:57]}..."
