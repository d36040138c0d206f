"""From a tree of values to the fields of a Go struct: keys ignore case, null changes nothing, types are strict."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_resilience.proxy.gojson.scan import DecodeError, Kind, Value

INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a struct.

    Args:
        go_type: Go's name of its type.
        read: turns a value into what is stored; raises `Mismatch` if it is of another type.
        path: how Go names the field in errors; by default the struct's name and the field's.
    """

    go_type: str
    read: Callable[[Value], Any]
    path: str = ""


class MismatchError(Exception):
    """Say that a value is of another type; `what` is Go's word for it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def bind(value: Value, fields: Mapping[str, Field], *, struct_name: str, go_type: str) -> dict[str, Any]:
    """Return the fields that the object sets; the last of several equal keys counts.

    Args:
        value: the object, or null.
        fields: the struct's fields by name.
        struct_name: how Go names the struct in errors about a field.
        go_type: how Go names the struct in errors about the whole.

    Raises:
        DecodeError: a value is of another type than its field.
    """
    if value.kind is Kind.NULL:
        return {}
    if value.kind is not Kind.OBJECT:
        raise DecodeError(f"json: cannot unmarshal {value.kind} into Go value of type {go_type}")
    found: dict[str, Any] = {}
    for key, member in value.members:
        name = match_key(key, fields)
        if name is None or member.kind is Kind.NULL:
            continue
        field = fields[name]
        try:
            found[name] = field.read(member)
        except MismatchError as mismatch:
            path = field.path or f"{struct_name}.{name}"
            raise DecodeError(
                f"json: cannot unmarshal {mismatch.what} into Go struct field {path} of type {field.go_type}"
            ) from mismatch
    return found


def match_key(key: str, names: Mapping[str, Any]) -> str | None:
    """Return the name that a key means: the same one, or else the same but for case."""
    if key in names:
        return key
    folded = key.casefold()
    return next((name for name in names if name.casefold() == folded), None)


def read_string(value: Value) -> str:
    """Read a string."""
    if value.kind is not Kind.STRING:
        raise MismatchError(value.kind)
    return value.text


def read_bool(value: Value) -> bool:
    """Read a boolean."""
    if value.kind is not Kind.BOOL:
        raise MismatchError(value.kind)
    return value.truth


def read_int64(value: Value) -> int:
    """Read an integer that has no fraction or exponent, even if they are zero."""
    if value.kind is not Kind.NUMBER:
        raise MismatchError(value.kind)
    digits = value.text.removeprefix("-")
    if not digits.isdigit() or len(digits) > 20 or int(value.text) not in INT64:
        raise MismatchError(f"number {value.text}")
    return int(value.text)


def read_float32(value: Value) -> float:
    """Read a number, rounded to 32 bits."""
    if value.kind is not Kind.NUMBER:
        raise MismatchError(value.kind)
    try:
        rounded: float = struct.unpack("f", struct.pack("f", float(value.text)))[0]
    except OverflowError:
        raise MismatchError(f"number {value.text}") from None
    if abs(rounded) == float("inf"):
        raise MismatchError(f"number {value.text}")
    return rounded


def read_object(value: Value) -> Value:
    """Take any object as it is."""
    if value.kind is not Kind.OBJECT:
        raise MismatchError(value.kind)
    return value


STRING = Field("string", read_string)
BOOL = Field("bool", read_bool)
FLOAT32 = Field("float32", read_float32)
