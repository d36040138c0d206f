"""From bytes to a tree of values, with the syntax errors of Go's `json.Decoder`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_DEPTH = 200
"""Go allows 10,000; nothing in the API is nested deeper than four, and this is far from Python's own limit."""
_BLANKS = re.compile(rb"[ \t\r\n]*")
_MORE_DIGITS = re.compile(rb"[0-9]*")
_DIGITS = b"0123456789"
_ESCAPES = {0x62: "\b", 0x66: "\f", 0x6E: "\n", 0x72: "\r", 0x74: "\t", 0x22: '"', 0x5C: "\\", 0x2F: "/"}
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')


class DecodeError(ValueError):
    """Refuse JSON; the text is Go's."""


class Kind(StrEnum):
    """Go's words for JSON's types."""

    OBJECT = "object"
    ARRAY = "array"
    STRING = "string"
    NUMBER = "number"
    BOOL = "bool"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Value:
    """One value: `members` of an object or array, `text` of a string or number, `truth` of a boolean."""

    kind: Kind
    text: str = ""
    truth: bool = False
    members: tuple[tuple[str, Value], ...] = ()


def scan(data: bytes) -> Value:
    """Read the first value, and ignore what follows it.

    Raises:
        DecodeError: this is not JSON.
    """
    return _Scanner(data).value_at_start()


class _Scanner:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._depth = 0

    def value_at_start(self) -> Value:
        self._skip_space()
        if self._at >= len(self._data):
            raise DecodeError("EOF")
        return self._value()

    def _value(self) -> Value:
        byte = self._peek()
        if byte == 0x7B:
            return self._nested(Kind.OBJECT)
        if byte == 0x5B:
            return self._nested(Kind.ARRAY)
        if byte == 0x22:
            return Value(Kind.STRING, self._string())
        if byte == 0x2D or byte in _DIGITS:
            return Value(Kind.NUMBER, self._number())
        for word, value in _LITERALS:
            if byte == word[0]:
                self._literal(word)
                return value
        raise self._invalid("looking for beginning of value")

    def _nested(self, kind: Kind) -> Value:
        self._at += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise DecodeError("exceeded max depth")
        members = self._members() if kind is Kind.OBJECT else self._elements()
        self._depth -= 1
        return Value(kind, members=tuple(members))

    def _members(self) -> list[tuple[str, Value]]:
        members: list[tuple[str, Value]] = []
        if self._peek() == 0x7D:
            self._at += 1
            return members
        while True:
            if self._peek() != 0x22:
                raise self._invalid("looking for beginning of object key string")
            key = self._string()
            if self._peek() != 0x3A:
                raise self._invalid("after object key")
            self._at += 1
            self._peek()
            members.append((key, self._value()))
            if self._closes(0x7D, "after object key:value pair"):
                return members

    def _elements(self) -> list[tuple[str, Value]]:
        elements: list[tuple[str, Value]] = []
        if self._peek() == 0x5D:
            self._at += 1
            return elements
        while True:
            self._peek()
            elements.append(("", self._value()))
            if self._closes(0x5D, "after array element"):
                return elements

    def _closes(self, bracket: int, where: str) -> bool:
        byte = self._peek()
        if byte not in (0x2C, bracket):
            raise self._invalid(where)
        self._at += 1
        return byte == bracket

    def _literal(self, word: bytes) -> None:
        self._at += 1
        for expected in word[1:]:
            if self._here() != expected:
                raise self._invalid(f"in literal {word.decode()} (expecting '{chr(expected)}')")
            self._at += 1

    def _number(self) -> str:
        start = self._at
        if self._data[self._at] == 0x2D:
            self._at += 1
        if self._here() == 0x30:
            self._at += 1
        else:
            self._digits("in numeric literal")
        if self._next_is(b"."):
            self._digits("after decimal point in numeric literal")
        if self._next_is(b"eE"):
            self._next_is(b"+-")
            self._digits("in exponent of numeric literal")
        return self._data[start : self._at].decode()

    def _digits(self, where: str) -> None:
        if self._here() not in _DIGITS:
            raise self._invalid(where)
        self._at = _after(_MORE_DIGITS, self._data, self._at)

    def _next_is(self, options: bytes) -> bool:
        found = self._at < len(self._data) and self._data[self._at] in options
        self._at += found
        return found

    def _string(self) -> str:
        self._at += 1
        parts: list[str] = []
        while True:
            plain = _PLAIN.match(self._data, self._at)
            if plain is not None:
                parts.append(plain.group().decode("utf-8", "replace"))
                self._at = plain.end()
            byte = self._here()
            if byte == 0x22:
                self._at += 1
                return _join(parts)
            if byte != 0x5C:
                raise self._invalid("in string literal")
            self._at += 1
            parts.append(self._escape())

    def _escape(self) -> str:
        byte = self._here()
        if byte == 0x75:
            self._at += 1
            return self._hexadecimal()
        if byte not in _ESCAPES:
            raise self._invalid("in string escape code")
        self._at += 1
        return _ESCAPES[byte]

    def _hexadecimal(self) -> str:
        start = self._at
        for _ in range(4):
            if self._here() not in b"0123456789abcdefABCDEF":
                raise self._invalid("in \\u hexadecimal character escape")
            self._at += 1
        return chr(int(self._data[start : self._at], 16))

    def _skip_space(self) -> None:
        self._at = _after(_BLANKS, self._data, self._at)

    def _peek(self) -> int:
        self._skip_space()
        return self._here()

    def _here(self) -> int:
        if self._at >= len(self._data):
            raise DecodeError("unexpected EOF")
        return self._data[self._at]

    def _invalid(self, where: str) -> DecodeError:
        return DecodeError(f"invalid character {_quoted(self._data[self._at])} {where}")


def _after(pattern: re.Pattern[bytes], data: bytes, start: int) -> int:
    """Return where what matches ends, if only at its start."""
    found = pattern.match(data, start)
    return start if found is None else found.end()


_LITERALS = (
    (b"true", Value(Kind.BOOL, truth=True)),
    (b"false", Value(Kind.BOOL)),
    (b"null", Value(Kind.NULL)),
)


def _join(parts: list[str]) -> str:
    """Put a string together: pairs of surrogates make one character, lone ones the replacement character."""
    text = "".join(parts)
    if not _LONE_SURROGATES.search(text):
        return text
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _LONE_SURROGATES.sub("\ufffd", paired)


def _quoted(byte: int) -> str:
    """Write a byte as Go's `quoteChar` does: as the Unicode character of that number."""
    escapes = {
        0x27: "\\'",
        0x22: '"',
        0x5C: "\\\\",
        7: "\\a",
        8: "\\b",
        9: "\\t",
        10: "\\n",
        11: "\\v",
        12: "\\f",
    }
    escapes[13] = "\\r"
    if byte in escapes:
        return f"'{escapes[byte]}'"
    character = chr(byte)
    if character.isprintable():
        return f"'{character}'"
    return f"'\\x{byte:02x}'" if byte < 0x80 else f"'\\u{byte:04x}'"
