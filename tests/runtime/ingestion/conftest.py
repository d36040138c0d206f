"""What the tests of the ingestion share: a table, files, and a short way to call."""

from __future__ import annotations

import pytest

from pytest_resilience import (
    ingest_data_with_checkpoint,
)


@pytest.fixture
def table(rows):
    """A table with types and constraints of several kinds; returns what is in it."""
    rows("create schema raw")
    rows(
        "create table raw.stays (stay_id int primary key, unit text not null, los numeric(6, 2),"
        " heart_rate smallint check (heart_rate between 0 and 300), admitted timestamp, note text)"
    )
    return lambda what="*": rows(f"select {what} from raw.stays order by stay_id")  # noqa: S608 - the test's own words


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write_file(text, name="stays.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_file


@pytest.fixture
def stays(write):
    """A file of 25 rows."""
    return write("stay_id,unit\n" + "".join(f"{n},MICU\n" for n in range(25)))


@pytest.fixture
def ingest(database):
    """Ingest into the table, in small batches."""

    def call(path, target="raw.stays", **settings):
        return ingest_data_with_checkpoint(path, target, **{"dsn": database, "batch_size": 10} | settings)

    return call
