"""Values of a JSON document, each read as what it must be; nonsense is refused with the value in the message."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pytest_resilience.proxy.faults.path_template import PathTemplate

Reader = Callable[[str, Any], Any]
"""Takes a value's name and the value; returns it as it is used."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class DefinitionError(ValueError):
    """Refuse a document that makes no sense, or no sense here."""


def fields(name: str, document: Any, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Read a mapping whose keys are all known.

    Raises:
        DefinitionError: it is no mapping, a key is unknown, or a value makes no sense.
    """
    if not isinstance(document, Mapping):
        raise DefinitionError(f"{name} must be an object, not {document!r}")
    for key in document:
        if key not in readers:
            raise DefinitionError(f"{name} has an unknown key {key!r}{nearest(key, readers)}")
    return {key: readers[key](key, value) for key, value in document.items()}


def given_fields(name: str, document: Any, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Read the same, with null as if left out.

    Raises:
        DefinitionError: as for `fields`.
    """
    if isinstance(document, Mapping):
        document = {key: value for key, value in document.items() if value is not None or key not in readers}
    return fields(name, document, readers)


def nearest(word: str, known: Collection[str]) -> str:
    """Return a hint at the known word that was probably meant."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"


def number(least: float, *, exclusive: bool = False) -> Reader:
    """Read a finite number that is not less."""

    def read(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise DefinitionError(f"{name} must be a number, not {value!r}")
        if value < least or (exclusive and value == least):
            raise DefinitionError(
                f"{name} must be {'above' if exclusive else 'at least'} {least:g}, not {value!r}"
            )
        return float(value)

    return read


def whole(least: int, most: int | None = None) -> Reader:
    """Read a whole number within bounds."""

    def read(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise DefinitionError(f"{name} must be a whole number, not {value!r}")
        if value < least or (most is not None and value > most):
            upper = "" if most is None else f" and at most {most}"
            raise DefinitionError(f"{name} must be at least {least}{upper}, not {value!r}")
        return value

    return read


def boolean(name: str, value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise DefinitionError(f"{name} must be true or false, not {value!r}")
    return value


def only_true(name: str, value: Any) -> bool:
    """Read true."""
    if value is not True:
        raise DefinitionError(f"{name} can only be true, not {value!r}")
    return True


def text(name: str, value: Any) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise DefinitionError(f"{name} must be a text, not {value!r}")
    return value


def anything(_name: str, value: Any) -> Any:
    """Read any value."""
    return value


def one_of(*words: str) -> Reader:
    """Read one of these words."""

    def read(name: str, value: Any) -> str:
        if value not in words:
            raise DefinitionError(f"{name} must be one of {', '.join(words)}, not {value!r}")
        return str(value)

    return read


def optional(reader: Reader) -> Reader:
    """Read null, or what the reader reads."""
    return lambda name, value: None if value is None else reader(name, value)


def sqlstate(name: str, value: Any) -> str:
    """Read the five characters of an error (PostgreSQL documentation, appendix A)."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Z]{5}", value) or value.startswith("00"):
        raise DefinitionError(
            f"{name} must be the five characters of an error, such as '40001', not {value!r}"
        )
    return value


def pattern(flags: re.RegexFlag = re.NOFLAG) -> Reader:
    """Read a regular expression."""

    def read(name: str, value: Any) -> re.Pattern[str]:
        try:
            return re.compile(text(name, value), flags)
        except re.error as error:
            raise DefinitionError(f"{name} is no regular expression ({error}): {value!r}") from error

    return read


def template(name: str, value: Any) -> PathTemplate:
    """Read a method and a path."""
    try:
        return PathTemplate(text(name, value))
    except ValueError as error:
        raise DefinitionError(f"{name}: {error}") from error


def headers(of: Reader) -> Reader:
    """Read a mapping of header names."""

    def read(name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise DefinitionError(f"{name} must be an object, not {value!r}")
        for key in value:
            if not _HEADER_NAME.fullmatch(key):
                raise DefinitionError(f"{name}: {key!r} is no name of a header")
        return {key: of(f"{name}.{key}", item) for key, item in value.items()}

    return read


def header_value(name: str, value: Any) -> str:
    """Read the text of a header; a number is one too."""
    if (
        isinstance(value, bool)
        or not isinstance(value, str | int | float)
        or re.search(r"[\r\n\0]", str(value))
    ):
        raise DefinitionError(f"{name} must be the text of a header, not {value!r}")
    return str(value)
