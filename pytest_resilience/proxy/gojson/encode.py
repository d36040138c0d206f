"""From Python values to JSON as Go writes it: compact, HTML-safe, floats as the shortest 32-bit ones."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from decimal import Decimal

_HTML = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def encode(value: object) -> str:
    """Write mappings, sequences, strings, booleans, integers, floats and None."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_string(str(key))}:{encode(member)}" for key, member in value.items()) + "}"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Sequence):
        return "[" + ",".join(map(encode, value)) + "]"
    if isinstance(value, float):
        return _float32(value)
    return json.dumps(value)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_HTML)


def _float32(value: float) -> str:
    """Write the fewest digits that make the same 32-bit float."""
    if value == 0:
        return "0"
    wanted = struct.pack("f", value)
    digits = next(
        text
        for text in (f"{value:.{count}g}" for count in range(1, 18))
        if struct.pack("f", float(text)) == wanted
    )
    if 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(digits):f}"
    mantissa, _, exponent = f"{Decimal(digits):e}".partition("e")
    sign, number = exponent[0], exponent[1:].lstrip("0")
    return f"{mantissa}e{sign}{number if sign == '-' else number.rjust(2, '0')}"
