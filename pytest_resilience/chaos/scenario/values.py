"""Values of scenario files, each read as what it has to be; nonsense is refused where it stands."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from typing import Any

from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.scenario.page import ReadValue, RefusedError, a_list, a_mapping
from pytest_resilience.chaos.scenario.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, shown
from pytest_resilience.chaos.units import seconds

LONGEST = 31_536_000.0
"""Seconds in a year: the longest duration that makes sense."""

MOST = 2**53
"""The largest number of bytes, messages or rows; any JSON reader keeps it exactly."""


def scalar(node: Node, name: str) -> ScalarNode:
    """Return the node where it is one value and not empty.

    Raises:
        RefusedError: it is something else.
    """
    if not isinstance(node, ScalarNode):
        raise RefusedError(node.position, f"{name} is {shown(node)}: it takes one value")
    if node.value is None:
        raise RefusedError(node.position, f"{name} is empty: give it a value, or leave it out")
    return node


def text(node: Node, name: str) -> str:
    """Read a text that is not blank."""
    found = scalar(node, name)
    if not isinstance(found.value, str):
        raise RefusedError(node.position, f"{name} is {found.text}: put it in quotes, it is a text")
    if not found.value.strip():
        raise RefusedError(node.position, f"{name} is empty: give it a value, or leave it out")
    if "\0" in found.value:
        raise RefusedError(node.position, f"{name} holds a NUL character")
    return found.value


def as_written(node: Node, name: str) -> str:
    """Read a value as the text that stands there: `40001` is no number."""
    found = scalar(node, name)
    if re.search(r"[\r\n\0]", found.text):
        raise RefusedError(node.position, f"{name} is {shown(node)}: it has to stand in one line")
    return found.text


def word(*known: str) -> ReadValue:
    """Read one of these words."""

    def read(node: Node, name: str) -> str:
        written = scalar(node, name).text
        if written not in known:
            close = next((str(one) for one in known if one.lower() == written.lower()), None)
            hint = f"did you mean {close!r}?" if close else nearest(written, known)
            raise RefusedError(node.position, f"{name} is {written!r}; {hint}")
        return written

    return read


def flag(node: Node, name: str) -> bool:
    """Read true or false."""
    value = scalar(node, name).value
    if not isinstance(value, bool):
        raise RefusedError(node.position, f"{name} is {shown(node)}: it is true or false")
    return value


def only_true(node: Node, name: str) -> bool:
    """Read true."""
    if scalar(node, name).value is not True:
        raise RefusedError(node.position, f"{name} is {shown(node)}: it can only be true; else leave it out")
    return True


def whole(least: int, most: int = MOST) -> ReadValue:
    """Read a whole number from `least` to `most`."""

    def read(node: Node, name: str) -> int:
        value = scalar(node, name).value
        if not isinstance(value, int) or isinstance(value, bool):
            raise RefusedError(node.position, f"{name} is {shown(node)}: it is a whole number")
        if not least <= value <= most:
            upper = "" if most == MOST and value < least else f" to {most}"
            raise RefusedError(node.position, f"{name} is {shown(node)}: it goes from {least}{upper}")
        return value

    return read


def probability(node: Node, name: str) -> float:
    """Read a number from 0 to 1."""
    value = scalar(node, name).value
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise RefusedError(node.position, f"{name} is {shown(node)}: it is a probability, from 0 to 1")
    return float(value)


def duration(*, negative: bool = False, zero: bool = True) -> ReadValue:
    """Read seconds, or a text such as `300ms`."""

    def read(node: Node, name: str) -> float:
        value = scalar(node, name).value
        try:
            span = seconds(value, name=name, negative=negative)  # type: ignore[arg-type] # it says so itself
        except (ValueError, OverflowError) as error:
            raise RefusedError(node.position, str(error)) from error
        if abs(span) > LONGEST:
            raise RefusedError(node.position, f"{name} is {shown(node)}: a year is the longest that there is")
        if span == 0 and not zero:
            raise RefusedError(node.position, f"{name} is {shown(node)}: it has to be more than nothing")
        return span

    return read


def pattern(node: Node, name: str) -> str:
    """Read a regular expression."""
    expression = text(node, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(expression, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise RefusedError(
            node.position,
            f"{name} is {shown(node)}: no regular expression ({error}); escape what is meant as it is with \\",
        ) from error
    return expression


def texts(node: Node, name: str) -> tuple[str, ...]:
    """Read a list of different texts."""
    found: list[str] = []
    for item in a_list(node, name).items:
        value = text(item, name)
        if value in found:
            raise RefusedError(item.position, f"{name} has {value!r} twice")
        found.append(value)
    return tuple(found)


_SQLSTATE = re.compile(r"(?!00)[0-9A-Z]{5}")


def sqlstate(node: Node, name: str) -> str:
    """Read the five characters of an error (PostgreSQL documentation, appendix A)."""
    code = as_written(node, name)
    if not _SQLSTATE.fullmatch(code):
        hint = f"; did you mean {code.upper()!r}?" if _SQLSTATE.fullmatch(code.upper()) else ""
        raise RefusedError(
            node.position, f"{name} is {code!r}: it is the five characters of an error, such as 40001{hint}"
        )
    return code


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def headers(node: Node, name: str) -> Mapping[str, str]:
    """Read the names and values of HTTP headers, as they are written."""
    found: dict[str, str] = {}
    for key, value in a_mapping(node, name).entries:
        if not _HEADER_NAME.fullmatch(key.text):
            raise RefusedError(key.position, f"{key.text!r} is no name of a header")
        found[key.text] = as_written(value, key.text)
    return found


def json_value(node: Node, name: str) -> Any:
    """Read any value that JSON has."""
    if isinstance(node, SequenceNode):
        return [json_value(item, name) for item in node.items]
    if isinstance(node, MappingNode):
        return {key.text: json_value(value, name) for key, value in node.entries}
    if isinstance(node.value, float) and not math.isfinite(node.value):
        raise RefusedError(node.position, f"{name} holds {node.text}: JSON has no such number")
    return node.value


def body(node: Node, name: str) -> Any:
    """Read the body of a response: a text, or what is sent as JSON."""
    if isinstance(node, ScalarNode):
        scalar(node, name)
    return json_value(node, name)
