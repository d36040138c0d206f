"""Cutting a CSV file into records: the same cuts as a reader that looks at one byte at a time."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience import FatalError
from pytest_resilience.runtime.ingestion import csv_records
from pytest_resilience.runtime.ingestion.csv_records import Position, RecordReader, joined, nth_newline

texts = st.text(alphabet='a,"\n\r\\.é', max_size=60).map(str.encode)


def slow_records(data):
    """Return records with their first lines, byte by byte: blank ones left out, a final CR removed."""
    records, line, first, inside, record = [], 1, 1, False, b""
    for byte in data + (b"" if data.endswith(b"\n") or not data else b"\n"):
        one = bytes([byte])
        inside ^= one == b'"'
        if one == b"\n" and not inside:
            records.append((record, first))
            record, first = b"", line + 1
        else:
            record += one
        line += one == b"\n"
    if record:
        records.append((record.removesuffix(b"\n"), first))
    return [(text.removesuffix(b"\r"), number) for text, number in records if text.removesuffix(b"\r")]


def batches_of(data, limit, block=1 << 18):
    """Return all batches of so many records."""
    reader = RecordReader(io.BytesIO(data), Position(), block=block)
    return list(iter(lambda: reader.next_batch(limit), None))


blocks = st.sampled_from([1, 3, 7, 1 << 18])  # so that every cut comes to lie on a border of blocks


@given(data=texts, limit=st.integers(1, 5), block=blocks)
def test_batches_hold_the_records_of_a_slow_reader(data, limit, block):
    """Whatever quotes, newlines and backslashes there are: the same records, lines and bytes, in order."""
    batches = batches_of(data, limit, block)

    assert b"".join(batch.raw for batch in batches) == data
    found = [(record.text, record.line) for batch in batches for record in batch.records()]
    assert found == slow_records(data)
    assert all(sum(1 for _ in batch.records()) <= batch.ends <= limit for batch in batches)
    assert [batch.is_last for batch in batches] == [False] * (len(batches) - 1) + [True] * bool(batches)


@given(data=texts, limit=st.integers(1, 5), block=blocks)
def test_a_reader_can_begin_at_the_end_of_any_batch(data, limit, block):
    """What is read from a saved place on is what the first reader read there: offset and line are enough."""
    batches = batches_of(data, limit, block)
    for number, batch in enumerate(batches):
        place = batch.end()
        reader = RecordReader(io.BytesIO(data[place.offset :]), place)
        following = reader.next_batch(limit)
        expected = batches[number + 1] if number + 1 < len(batches) else None
        assert whole(following) == whole(expected)


def whole(batch):
    """Return the batch with its bytes in one block, however they were read."""
    return batch and replace(batch, blocks=[batch.raw])


@given(data=texts, block=blocks)
def test_sent_at_once_or_one_by_one_is_the_same(data, block):
    """The bytes that go out unexamined are those that a look at each record would have made."""
    for batch in batches_of(data, 3, block):
        at_once = batch.at_once()
        one_by_one = joined([record.text for record in batch.records()])
        if at_once is not None:
            assert [line for line in b"".join(at_once).split(b"\n") if line] == one_by_one.split(b"\n")[:-1]


@given(data=st.binary(max_size=40).map(lambda data: data + b"\n"), number=st.integers(1, 10))
def test_nth_newline_is_found(data, number):
    """The place behind the n-th newline."""
    places = [place + 1 for place, byte in enumerate(data) if byte == 10]
    if number <= len(places):
        assert nth_newline(data, number) == places[number - 1]


def test_a_quote_that_is_never_closed_does_not_eat_the_memory(monkeypatch):
    """A record longer than any real one is refused with its place."""
    monkeypatch.setattr(csv_records, "LONGEST_RECORD", 1000)

    with pytest.raises(FatalError, match="never closed"):
        batches_of(b'1,a\n2,"b\n' + b"3,c\n" * 1000, 10, block=100)


def test_long_rows_make_short_batches(monkeypatch):
    """A batch ends at its size, too, so that memory is bounded by bytes and not by rows."""
    monkeypatch.setattr(csv_records, "LARGEST_BATCH", 1000)
    data = (b"x" * 49 + b"\n") * 100

    batches = batches_of(data, 10_000, block=100)

    assert b"".join(batch.raw for batch in batches) == data
    assert max(len(batch.raw) for batch in batches) <= 1100
