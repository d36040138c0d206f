"""The source file: dialects, encodings, compression, and what is no CSV file."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_resilience import (
    FatalError,
    ingest_data_with_checkpoint,
)


def test_a_missing_file_is_fatal(tmp_path, ingest):
    """The message names it and where it was looked for."""
    with pytest.raises(FatalError, match=r"'missing\.csv' is not there \(looked in /"):
        ingest("missing.csv")
    with pytest.raises(FatalError, match="is not a file"):
        ingest(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf", b"\r\n\r\n"])
def test_a_file_without_a_header_is_fatal(content, write, table, ingest):
    """Nothing says which column is which."""
    with pytest.raises(FatalError, match="must name the columns"):
        ingest(write(content))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("stay_id,unit\n1,a\n".encode("utf-16"), "UTF-16"),
        (b"stay_id,unit\r1,a\r", "CR alone"),
        (b"stay_id,unit\xff\n1,a\n", "not utf-8"),
        (b"stay_id;unit\n1;a\n", "has no column 'stay_id;unit'"),
        (b"stay_id,units\n1,a\n", "did you mean 'unit'"),
        (b"stay_id,unit,unit\n1,a,b\n", "unit more than once"),
        (b"stay_id,los\n1,2\n", "no column unit, which .* requires"),
        (b"stay_id,unit,\n1,a,\n", "has no column ''"),
    ],
)
def test_a_header_that_does_not_fit_is_fatal_before_any_row(content, words, write, table, ingest):
    """Schema mismatch: the message names the column, the nearest one, and what the table has."""
    with pytest.raises(FatalError, match=words):
        ingest(write(content))
    assert table() == []


@pytest.mark.parametrize(
    "content",
    [
        b"stay_id,unit\n1,a\n2,b",
        b"stay_id,unit\r\n1,a\r\n2,b\r\n",
        b"\xef\xbb\xbfstay_id,unit\n1,a\n2,b\n",
        b'\xef\xbb\xbf"stay_id",unit\n1,a\n2,b\n',
        b"STAY_ID, Unit \n1,a\n2,b\n",
        b"unit,stay_id\na,1\nb,2\n",
        b'"stay_id","unit"\n"1","a"\n"2","b"\n',
        b"stay_id,unit\n1,a\n\n2,b\n\n\n",
        b"stay_id,unit\n\n\n1,a\r\n\r\n2,b\n",
    ],
)
def test_the_usual_dialects_are_understood(content, write, table, ingest):
    """No last newline, Windows line ends, byte order mark, case, order, quotes, blank lines."""
    result = ingest(write(content))

    assert table("stay_id, unit") == [(1, "a"), (2, "b")]
    assert (result.rows, result.rejected) == (2, 0)


def test_delimiter_and_encoding_are_the_callers_word(write, table, ingest):
    """Semicolons and Latin-1 arrive as what they mean."""
    ingest(write("stay_id;unit\n1;Süd, links\n".encode("latin-1")), delimiter=";", encoding="latin-1")

    assert table("unit") == [("Süd, links",)]


@pytest.mark.parametrize(
    "settings",
    [
        {"delimiter": '"'},
        {"delimiter": ",,"},
        {"encoding": "utf-16"},
        {"encoding": "no"},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, stays, table, ingest):
    """The value is in the message."""
    with pytest.raises(FatalError, match=next(iter(settings.values()))):
        ingest(stays, **settings)


@pytest.mark.parametrize(
    "settings", [{"batch_size": 0}, {"timeout": -1}, {"timeout": 0}, {"quality_threshold": 1.5}]
)
def test_numbers_that_make_no_sense_are_refused(settings, stays, ingest):
    """The value is in the message."""
    with pytest.raises(ValueError, match=str(next(iter(settings.values())))):
        ingest(stays, **settings)


@pytest.mark.parametrize("settings", [{"executor": 5}, {"target_table": None}])
def test_what_is_no_executor_or_table_is_refused_and_leaves_nothing(settings, stays, table, ingest):
    """The right call after it is the first."""
    given = {"target_table": "stays"} | settings
    with pytest.raises(TypeError, match=next(iter(settings))):
        ingest_data_with_checkpoint(stays, given.pop("target_table"), dsn="postgresql://nowhere", **given)

    assert ingest(stays).rows == 25


def test_gzip_is_told_by_its_bytes(write, table, ingest, stays):
    """A compressed file needs no special name, and several members are one file."""
    text = stays.read_bytes()
    path = write(gzip.compress(text[:100]) + gzip.compress(text[100:]), "plain-name.csv")

    assert ingest(path).rows == 25
    assert len(table()) == 25


@pytest.mark.parametrize("damage", [lambda data: data[:-20], lambda data: data[:60] + b"\0" * 9 + data[69:]])
def test_a_damaged_gzip_file_is_fatal(damage, write, table, ingest):
    """Cut short or corrupt: the message says which file."""
    text = "stay_id,unit\n" + "".join(f"{n},unit-{n * 7919 % 1000}\n" for n in range(2000))
    path = write(damage(gzip.compress(text.encode())))

    with pytest.raises(FatalError, match=r"stays\.csv.*(damaged|do not fit|is not)"):
        ingest(path)


def test_a_header_alone_is_an_empty_success(write, table, ingest):
    """No rows is no error."""
    result = ingest(write("stay_id,unit\n"))

    assert (result.rows, result.batches) == (0, 0)


fields = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    texts=st.lists(st.tuples(fields, fields), max_size=25),
    dialect=st.sampled_from(
        [  # not QUOTE_MINIMAL with plain newlines: it leaves a lone CR bare, which readers take for a line end
            (csv.QUOTE_ALL, "\n"),
            (csv.QUOTE_ALL, "\r\n"),
            (csv.QUOTE_NONNUMERIC, "\n"),
            (csv.QUOTE_MINIMAL, "\r\n"),
        ]
    ),
    batch_size=st.integers(1, 12),
)
def test_any_text_survives(texts, dialect, batch_size, write, connection, rows):
    """Quotes, delimiters, newlines, CR and any character inside fields arrive as they were written."""
    rows("drop table if exists texts; create table texts (n int, a text, b text)")
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=dialect[0], lineterminator=dialect[1])
    writer.writerow(["n", "a", "b"])
    writer.writerows((n, *pair) for n, pair in enumerate(texts))
    path = write(stream.getvalue())

    result = ingest_data_with_checkpoint(
        path, "texts", connection=connection, batch_size=batch_size, start_over=True
    )

    assert (result.rows, result.rejected) == (len(texts), 0)
    arrived = rows("select n, coalesce(a, ''), coalesce(b, '') from texts order by n")
    assert arrived == [(n, *pair) for n, pair in enumerate(texts)]


def test_a_delimiter_that_is_no_text_is_refused(stays, ingest):
    """With its name and value."""
    with pytest.raises(TypeError, match="delimiter must be one byte, as a text, got None"):
        ingest(stays, delimiter=None)
