"""Keys are found where they are written, in every way that TOML has to write them."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.chaos.configuration.toml_positions import KeyPath, key_positions

NAMES = st.sampled_from(
    ["a", "b-1", "_c", "1979", "true", "d.e", "f g", "", "ü", 'q"q', "l'l", "[x]", "#h", "t\tt"]
)
SPACES = st.sampled_from(["", " ", "\t", "  "])
NOISE = st.sampled_from(["", "\n", "  # [not.a.table]\n", "# key = 1\n\n", "\t\n"])
SCALARS = st.sampled_from(
    [
        *("1", "-2.5e3", "inf", "true", "1979-05-27 07:32:00", "07:32:00", "0x_f".replace("_", "")),
        *('"a # [b] = \\" c"', "'[{#'", '""', "''"),
        *('"""\n[x]\nk = "" 1 \\""""', '"""a""b"""', '"""a"""""', "'''\n[y] = ''\n'''", "'''a'''''"),
    ]
)
MADE_UP = (
    'a = 1\n[b]\nc.d = {e = [1, {f = 2}], "g h" = 3}\n[[b.x]]\n[b.x.y]\nz = 1\n[[b.x]]\n  z = 2 # z\n',
    "[[a]]\n[[a.b]]\n[[a.b]]\nc = 1\n[[a]]\n[[a.b]]\nc = 1\n",
    "a = [\n  1, # one\n  [2,\n3],\n]\nb.c = 1\nb.d = 2\n",
    "",
    "# nothing\n",
    "a = 1\r\nb = '''x\r\ny'''\r\nc = 2\r\n",
    '[a."b.c".\'d\']\n"e" = 1',
    "[ a . b ]\n\t[[ c . d ]]\ne . f = 1",
)


@st.composite
def keys(draw: st.DrawFn) -> str:
    """Write a key, bare where it can be."""
    name = draw(NAMES)
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    ways = [json.dumps(name, ensure_ascii=draw(st.booleans()))]
    ways += [name] if bare else []
    ways += [f"'{name}'"] if "'" not in name else []
    return draw(st.sampled_from(ways))


@st.composite
def inline_tables(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    """Write an inline table, which TOML 1.0 wants on one line but for the strings and arrays in it."""
    pairs = draw(st.lists(st.tuples(dotted(), values), max_size=3))
    return "{" + ", ".join(f"{key}{draw(SPACES)}={draw(SPACES)}{value}" for key, value in pairs) + "}"


@st.composite
def arrays(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    """Write an array, with comments and line ends between its elements."""
    parts = draw(st.lists(values, max_size=3))
    text = "".join(f"{draw(NOISE)}{part}{draw(SPACES)}," for part in parts)
    return f"[{text}{draw(NOISE)}]"


@st.composite
def dotted(draw: st.DrawFn) -> str:
    """Write a key of one to three parts."""
    parts = draw(st.lists(keys(), min_size=1, max_size=3))
    return f"{draw(SPACES)}.{draw(SPACES)}".join(parts)


VALUES = st.recursive(SCALARS, lambda values: inline_tables(values) | arrays(values), max_leaves=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Write a document line by line, leaving out each that TOML forbids where it would stand."""
    pair = st.builds("{}{} = {}".format, SPACES, dotted(), VALUES)
    header = st.builds("{}[{}{}]".format, SPACES, SPACES, dotted())
    tables = st.builds("[[{}{}]]".format, dotted(), SPACES)
    text = ""
    for line in draw(st.lists(pair | header | tables, max_size=12)):
        longer = f"{text}{draw(NOISE)}{line}{draw(SPACES)}\n"
        text = longer if _is_toml(longer) else text
    return text


@given(text=documents())
def test_every_key_has_its_place(text: str) -> None:
    """All keys and elements that the standard library reads have a place, nothing else has, and the key is there."""
    _check(text)


@given(text=documents())
def test_line_ends_of_windows(text: str) -> None:
    """With carriage returns the places are the same."""
    windows = text.replace("\n", "\r\n")

    assert key_positions(text) == key_positions(windows)


@pytest.mark.parametrize("text", MADE_UP)
def test_documents_written_by_hand(text: str) -> None:
    """The same holds of what people write."""
    _check(text.replace("\r\n", "\n"))


def test_places_are_lines_and_columns_from_one() -> None:
    """A few of them counted by hand."""
    places = key_positions(MADE_UP[0])

    assert places == {
        ("a",): (1, 1),
        ("b",): (2, 2),
        ("b", "c"): (3, 1),
        ("b", "c", "d"): (3, 3),
        ("b", "c", "d", "e"): (3, 8),
        ("b", "c", "d", "e", 0): (3, 13),
        ("b", "c", "d", "e", 1): (3, 16),
        ("b", "c", "d", "e", 1, "f"): (3, 17),
        ("b", "c", "d", "g h"): (3, 26),
        ("b", "x"): (4, 5),
        ("b", "x", 0): (4, 5),
        ("b", "x", 0, "y"): (5, 6),
        ("b", "x", 0, "y", "z"): (6, 1),
        ("b", "x", 1): (7, 5),
        ("b", "x", 1, "z"): (8, 3),
    }


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _check(text: str) -> None:
    places = key_positions(text)
    lines = text.split("\n")

    assert set(_paths(tomllib.loads(text))) == set(places)
    for path, (line, column) in places.items():
        rest = lines[line - 1][column - 1 :]
        if isinstance(path[-1], str):
            assert _first_key(rest) == path[-1], (path, rest)


def _first_key(rest: str) -> str:
    """Return the first key of a piece of text, read by the standard library's own reader."""
    for end in range(1, len(rest) + 1):
        try:
            (key,) = tomllib.loads(f"{rest[:end]} = 1")
        except (tomllib.TOMLDecodeError, ValueError):
            continue
        if rest[0] in "\"'" or end == len(rest) or not (rest[end].isalnum() or rest[end] in "-_"):
            return key
    raise AssertionError(rest)


def _paths(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, each in inner for found in ((*path, key), *_paths(each, (*path, key)))]
