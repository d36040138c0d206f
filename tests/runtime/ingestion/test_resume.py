"""Going on after a failure: no row lost, no row doubled, nothing guessed."""

from __future__ import annotations

import contextlib
import gzip
import os
import threading

import psycopg2
import psycopg2.extras
import pytest

from pytest_resilience import (
    CheckpointConflictError,
    FatalError,
    RetryableError,
    ingest_data_with_checkpoint,
)
from pytest_resilience.runtime.ingestion import history


def fail_at(rows, stay_id):
    """Have the database refuse a row in a way that is not the row's fault, until it is told otherwise."""
    rows(
        "create or replace function trouble() returns trigger language plpgsql as"
        f" $$ begin if new.stay_id = {stay_id} then raise sqlstate '53200'; end if; return new; end $$;"
        " create or replace trigger trouble before insert on raw.stays for each row execute function "
        "trouble()"
    )


def test_after_a_failure_the_next_run_goes_on(stays, table, ingest, rows):
    """The checkpoint names file, table, last row and time; the second run brings the rest only."""
    fail_at(rows, 15)
    with pytest.raises(RetryableError):
        ingest(stays)
    assert len(table()) == 10
    [(state,)] = rows("select state::json from resilience_checkpoints")
    assert (state["source_file"], state["target_table"], state["last_row"]) == (str(stays), "raw.stays", 10)
    assert state["timestamp"].endswith("+00:00")
    rows("drop trigger trouble on raw.stays")

    result = ingest(stays)

    assert (result.rows, result.resumed_from, result.batches) == (25, 10, 2)
    assert table("stay_id") == [(n,) for n in range(25)]
    assert rows("select count(*) from resilience_checkpoints") == [(0,)]


def test_a_run_after_the_end_does_nothing(stays, table, ingest, caplog):
    """The same file into the same table is not doubled, and that is said; start_over does it again."""
    ingest(stays)

    result = ingest(stays)

    assert (result.rows, result.resumed_from, result.batches) == (25, 25, 0)
    assert len(table()) == 25
    assert "nothing is done now" in caplog.text


def test_a_touched_file_is_still_the_same(stays, table, ingest):
    """A new time stamp alone does not make a file another one: its content decides."""
    ingest(stays)
    os.utime(stays, (1, 1))

    assert ingest(stays).batches == 0


def test_an_emptied_table_is_filled_again(stays, table, ingest, rows):
    """Whoever empties the table wants the rows back."""
    ingest(stays)
    rows("truncate raw.stays")

    assert ingest(stays).batches == 3
    assert len(table()) == 25


def test_an_emptied_table_is_filled_again_from_all_its_files(stays, table, ingest, rows):
    """The first that is ingested again, or any other, does not hide that the table was emptied."""
    files = [stays, stays.with_name("second.csv"), stays.with_name("third.csv")]
    for number, file in enumerate(files[1:], 1):
        file.write_text("stay_id,unit\n" + "".join(f"{100 * number + n},CCU\n" for n in range(20)))
    for file in files[:2]:
        ingest(file)
    rows("truncate raw.stays")

    assert [ingest(file).batches > 0 for file in reversed(files)] == [True] * 3
    assert len(table()) == 65
    assert [ingest(file).batches for file in files] == [0] * 3


def test_a_file_is_the_same_by_whatever_path(stays, table, ingest, tmp_path, monkeypatch):
    """A link to it, a detour and a relative path lead to the rows that are in."""
    ingest(stays)
    link = tmp_path / "latest.csv"
    link.symlink_to(stays)
    (tmp_path / "detour").mkdir()
    monkeypatch.chdir(stays.parent)

    for path in (
        link,
        stays.parent / "." / stays.name,
        tmp_path / "detour" / ".." / stays.relative_to(tmp_path),
        stays.name,
    ):
        assert ingest(path).batches == 0
    assert len(table()) == 25


def test_another_file_of_the_same_name_is_ingested(stays, table, ingest):
    """Tomorrow's file under today's name is new, and so is its end."""
    ingest(stays)
    stays.write_text("stay_id,unit\n" + "".join(f"{n},CCU\n" for n in range(100, 120)))

    assert ingest(stays).rows == 20
    assert ingest(stays).batches == 0
    assert len(table()) == 45


@pytest.mark.parametrize("change", ["longer", "same size", "shorter"])
def test_a_source_that_changed_half_way_is_refused(change, stays, table, ingest, rows):
    """What is in the table and what is in the file no longer belong together."""
    fail_at(rows, 15)
    with pytest.raises(RetryableError):
        ingest(stays)
    rows("drop trigger trouble on raw.stays")
    text = stays.read_text()
    changed = {
        "longer": text + "99,MICU\n",
        "same size": text.replace("3,MICU", "3,SICU", 1),
        "shorter": text[:-8],
    }
    stays.write_text(changed[change])

    with pytest.raises(FatalError, match="has changed since its ingestion began"):
        ingest(stays)
    assert len(table()) == 10


def test_a_source_that_changes_while_it_is_read_is_noticed(stays, table, ingest, proxied, held):
    """The batch that noticed it is not kept."""

    def change(_receipt):
        with stays.open("a") as stream:
            stream.write("99,MICU\n")
        return "deliver"

    held(change, sql="^copy", nth=2)
    with pytest.raises(FatalError, match="was changed while it was being read"):
        ingest(stays, dsn=proxied.dsn)
    assert len(table()) == 10


def test_a_checkpoint_without_its_rows_is_refused(stays, table, ingest, rows):
    """Going on would lose the rows that somebody has removed."""
    fail_at(rows, 15)
    with pytest.raises(RetryableError):
        ingest(stays)
    rows("drop trigger trouble on raw.stays")
    rows("truncate raw.stays")

    with pytest.raises(FatalError, match=r"the table is empty.*start_over=True"):
        ingest(stays)
    assert ingest(stays, start_over=True).rows == 25


def test_a_damaged_checkpoint_is_not_trusted(stays, table, ingest, rows):
    """Nor is it taken for none."""
    fail_at(rows, 15)
    with pytest.raises(RetryableError):
        ingest(stays)
    rows("update resilience_checkpoints set state = replace(state, '10', '20')")

    with pytest.raises(FatalError, match="damaged"):
        ingest(stays)


def test_gzip_resumes_too(stays, table, ingest, rows, write):
    """The place in a compressed file is one in its text."""
    path = write(gzip.compress(stays.read_bytes()), "stays.csv.gz")
    fail_at(rows, 15)
    with pytest.raises(RetryableError):
        ingest(path)
    rows("drop trigger trouble on raw.stays")

    assert ingest(path).resumed_from == 10
    assert table("stay_id") == [(n,) for n in range(25)]


def test_a_second_run_at_the_same_time_is_refused(stays, table, database, ingest, rows, monkeypatch):
    """Two runs of one file never meet; the message says who runs it."""
    monkeypatch.setattr(history, "PATIENCE", 0.2)
    rows(
        "create function wait() returns trigger language plpgsql as"
        " $$ begin perform pg_advisory_xact_lock(42); return new; end $$;"
        " create trigger wait before insert on raw.stays for each row when (new.stay_id = 15) execute "
        "function wait()"
    )
    with contextlib.closing(psycopg2.connect(database)) as blocker, blocker.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(42)")
        first = threading.Thread(target=ingest, args=(stays,))
        first.start()
        while not rows("select 1 from pg_locks where objid = 42 and not granted"):
            assert first.is_alive()
        with pytest.raises(CheckpointConflictError, match=r"server process \d+ .*pytest-resilience"):
            ingest(stays)
        cursor.execute("select pg_advisory_unlock(42)")
        first.join()

    assert table("stay_id") == [(n,) for n in range(25)]


def test_two_new_tables_at_once(tmp_path, database, rows):
    """First runs that start together do not stumble over the runtime's own tables."""
    rows("create table t (a int)")
    paths = [tmp_path / f"{n}.csv" for n in range(6)]
    for path in paths:
        path.write_text("a\n1\n")
    failures = []

    def work(path):
        try:
            ingest_data_with_checkpoint(path, "t", dsn=database)
        except Exception as error:  # noqa: BLE001 - none is expected
            failures.append(error)

    threads = [threading.Thread(target=work, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert rows("select count(*) from t") == [(6,)]


def test_a_collision_with_another_transaction_is_run_again(stays, table, ingest, rows):
    """A deadlock or serialization failure costs the batch a second try, not the run."""
    rows("create sequence tries")
    rows(
        "create function collide() returns trigger language plpgsql as"
        " $$ begin if nextval('tries') <= 2 then raise sqlstate '40001'; end if; return new; end $$;"
        " create trigger collide before insert on raw.stays for each row when (new.stay_id = 15)"
        " execute function collide()"
    )

    result = ingest(stays)

    assert (result.rows, result.batches) == (25, 3)
    assert len(table()) == 25


def test_a_touched_file_goes_on_too(stays, table, ingest, rows):
    """A file that was copied to its place again between two runs is gone on with."""
    fail_at(rows, 15)
    with pytest.raises(RetryableError):
        ingest(stays)
    rows("drop trigger trouble on raw.stays")
    os.utime(stays, (1, 1))

    assert ingest(stays).resumed_from == 10
    assert len(table()) == 25
