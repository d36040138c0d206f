"""Rows of a COPY are counted right, wherever the data is cut, and for each client's way of writing them."""

from __future__ import annotations

import csv
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.proxy.wire.postgres.copy_binary import BinaryRows
from pytest_resilience.proxy.wire.postgres.copy_rows import CsvRows, RowCounter, TextRows
from pytest_resilience.proxy.wire.postgres.copy_statement import row_counter
from pytest_resilience.proxy.wire.sql.statement import Statement


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut data at these places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def counted(counter: RowCounter, data: bytes, cuts: list[int]) -> int:
    """Count the rows of data that comes in pieces."""
    for piece in pieces(data, cuts):
        counter.feed(piece)
    return counter.begun


CUTS = st.lists(st.integers(0, 10_000), max_size=20)
FIELDS = st.text(st.sampled_from(list("ab\\\"'|,;\n\r\t.")), max_size=6)
ROWS = st.lists(st.tuples(FIELDS, FIELDS), max_size=12)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(ROWS, CUTS, ENDS, st.booleans())
def test_text(rows, cuts, end, last_end):
    """In text, a line break ends a row unless it is escaped."""
    escaped = [
        "\t".join("".join(f"\\{c}" if c in "\\\n\r\t" else c for c in field) for field in row) for row in rows
    ]
    data = end.join(escaped) + (end if last_end and rows else "")
    lines = [line for line in escaped if line] if not last_end else escaped
    expected = len(escaped) if last_end or not escaped or escaped[-1] else len(escaped) - 1

    assert len(lines) <= len(rows)
    assert counted(TextRows(), data.encode(), cuts) == expected


@given(ROWS, CUTS, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_csv(rows, cuts, end, header):
    """In CSV, a line break within quotes is data, and a header is no row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "word"), *rows] if header else rows)

    assert counted(CsvRows(header=header), text.getvalue().encode(), cuts) == len(rows)


@given(ROWS, CUTS)
def test_csv_with_another_escape(rows, cuts):
    """A quote behind the escape character does not end the field."""
    text = io.StringIO()
    for row in rows:
        quoted = (f'"{field.replace("!", "").replace(chr(34), "!" + chr(34))}"' for field in row)
        text.write(",".join(quoted) + "\n")

    assert counted(CsvRows(escape=b"!"), text.getvalue().encode(), cuts) == len(rows)


@given(
    st.lists(st.lists(st.one_of(st.none(), st.binary(max_size=9)), max_size=4), max_size=12),
    CUTS,
    st.booleans(),
)
def test_binary(rows, cuts, trailer):
    """In the binary format the trailer is no row, and null fields have no bytes."""
    data = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!II", 0, 3) + b"ext"
    for row in rows:
        data += struct.pack("!h", len(row))
        for field in row:
            data += struct.pack("!i", -1) if field is None else struct.pack("!i", len(field)) + field
    data += struct.pack("!h", -1) if trailer else b""

    assert counted(BinaryRows(), data, cuts) == len(rows)


@pytest.mark.parametrize("segment", [1, 2, 5, 100])
def test_row_has_begun_with_its_first_byte(segment):
    """A row is counted before its end has come, and not before its beginning."""
    counter = TextRows()
    data = b"one\ntwo\nthree\n"
    seen = []
    for start in range(0, len(data), segment):
        counter.feed(data[start : start + segment])
        seen.append(counter.begun)

    assert seen[-1] == 3
    assert segment > 1 or seen == [1] * 4 + [2] * 4 + [3] * 6


def test_end_marker_is_no_row():
    """The marker that old clients send behind the data does not count."""
    assert counted(TextRows(), b"1\n2\n\\.\n", []) == 2
    assert counted(TextRows(), b"\\.\n", []) == 0
    assert counted(TextRows(), b"a\\.\n", []) == 1


@pytest.mark.parametrize(
    ("sql", "data", "rows"),
    [
        ("copy t from stdin", b"a\\\nb\nc\n", 2),
        ("copy t from stdin with (format csv)", b'"a\nb"\nc\n', 2),
        ("copy t (a) from stdin csv", b'"a\nb"\nc\n', 2),
        ("COPY t FROM STDIN WITH CSV HEADER QUOTE AS '|'", b"id\n|a\nb|\n", 1),
        ("copy t from stdin (format 'csv', header match, quote '|')", b"id\n|a\nb|\n", 1),
        ("copy t from stdin (header false, format csv)", b"id\n1\n", 2),
        ("copy t from stdin (format csv, header)", b"id\n1\n", 1),
        ("copy t from stdin (format text, header true)", b"id\n1\n", 1),
        ("copy t from stdin (format csv, quote E'\\x7c', escape '!')", b"|a!|\n|\n1\n", 2),
        ("copy csv from stdin", b'"\n"\n', 2),
    ],
)
def test_options(sql, data, rows):
    """The statement says how its data is written."""
    assert counted(row_counter(Statement(sql), binary=None), data, []) == rows


def test_counter_that_only_looks_at_piece_starts_is_caught():
    """What these tests are for: a naive counter that forgets quotes between pieces is wrong."""

    class Naive:
        begun = 0

        def feed(self, data: bytes) -> None:
            self.begun += data.count(b"\n")

    data = b'"a\nb"\n'

    assert counted(Naive(), data, []) != counted(CsvRows(), data, [])
