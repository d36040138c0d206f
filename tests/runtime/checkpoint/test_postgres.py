"""Checkpoints in PostgreSQL: part of the transaction that they are written in, fenced, and checked."""

from __future__ import annotations

import contextlib

import psycopg
import psycopg2
import pytest

from pytest_resilience import (
    CheckpointConflictError,
    CheckpointDamagedError,
    CheckpointManager,
    CheckpointRefusedError,
    CheckpointStore,
    FatalError,
    PostgresCheckpointStore,
)

OLD, NEW = {"last_row": 10}, {"last_row": 20, "note": '§ ünï \\ " %s'}


@pytest.fixture
def store(connection):
    """A store on a connection of its own."""
    return PostgresCheckpointStore(connection)


@pytest.fixture
def another(database):
    """Return a function that opens a store on another connection."""
    with contextlib.ExitStack() as stack:
        yield lambda: PostgresCheckpointStore(
            stack.enter_context(contextlib.closing(psycopg2.connect(database)))
        )


def test_both_stores_do_the_same(store, tmp_path):
    """Save, load, overwrite, delete: files and rows behave alike behind one protocol."""
    stores: list[CheckpointStore] = [store, CheckpointManager(tmp_path)]
    for one in stores:
        assert one.load_checkpoint("ingest") is None
        one.save_checkpoint("ingest", OLD)
        one.save_checkpoint("ingest", NEW)
        one.save_checkpoint("other", OLD)
        assert one.load_checkpoint("ingest") == NEW
        one.delete_checkpoint("ingest")
        one.delete_checkpoint("ingest")
        assert one.load_checkpoint("ingest") is None
        assert one.load_checkpoint("other") == OLD
        one.save_checkpoint("ingest", OLD)
        assert one.load_checkpoint("ingest") == OLD


@pytest.mark.parametrize(
    "open_one", [psycopg2.connect, psycopg.connect, lambda dsn: psycopg.connect(dsn, autocommit=True)]
)
def test_a_saved_checkpoint_is_committed(open_one, database, another):
    """By itself each save is a transaction of its own, whatever mode the connection is in."""
    with contextlib.closing(open_one(database)) as connection:
        mode, store = connection.autocommit, PostgresCheckpointStore(connection)
        store.save_checkpoint("ingest", OLD)

        other = another()
        assert other.load_checkpoint("ingest") == OLD
        other.save_checkpoint("ingest", NEW)
        with pytest.raises(CheckpointConflictError):
            store.save_checkpoint("ingest", NEW)
        assert (int(connection.info.transaction_status), connection.autocommit) == (0, mode)


def test_inside_a_transaction_it_shares_its_fate(connection, store, another, rows):
    """Rolled back with the work, or committed with it."""
    rows("create table work (a int)")
    for end, expected in ((connection.rollback, None), (connection.commit, OLD)):
        with connection.cursor() as cursor:
            cursor.execute("insert into work values (1)")
            store.load_checkpoint("ingest")
            store.save_checkpoint("ingest", OLD)
            assert another().load_checkpoint("ingest") is None
        end()
        assert another().load_checkpoint("ingest") == expected
        assert rows("select count(*) from work") == [(int(expected is not None),)]


def test_a_second_writer_is_refused(store, another):
    """Who has not seen the newest version changes nothing, at the first save and at any later one."""
    store.save_checkpoint("ingest", OLD)
    late = another()
    with pytest.raises(CheckpointConflictError, match="load it before saving"):
        late.save_checkpoint("ingest", NEW)

    late.load_checkpoint("ingest")
    late.save_checkpoint("ingest", NEW)
    with pytest.raises(CheckpointConflictError, match="has seen version 1"):
        store.save_checkpoint("ingest", OLD)
    assert another().load_checkpoint("ingest") == NEW


def test_a_refused_writer_loses_its_work_too(connection, store, another, rows):
    """Rows of the same transaction go with the checkpoint that fenced them off."""
    rows("create table work (a int)")
    store.load_checkpoint("ingest")
    another().save_checkpoint("ingest", OLD)
    with connection.cursor() as cursor:
        cursor.execute("insert into work values (1)")
    with pytest.raises(CheckpointConflictError):
        store.save_checkpoint("ingest", NEW)
    connection.rollback()

    assert rows("select count(*) from work") == [(0,)]


def test_a_failed_save_does_not_count_as_seen(store, another, rows):
    """After a rollback the next save fits onto what is really there."""
    store.save_checkpoint("ingest", OLD)
    rows("alter table resilience_checkpoints add constraint c check (state not like '%20%') not valid")
    with pytest.raises(psycopg2.IntegrityError):
        store.save_checkpoint("ingest", NEW)

    store.save_checkpoint("ingest", {"last_row": 30})

    assert another().load_checkpoint("ingest") == {"last_row": 30}


@pytest.mark.parametrize("change", ["state = replace(state, '10', '11')", "state = ''", "checksum = 'x'"])
def test_damage_is_noticed(store, rows, change):
    """A state that does not have its checksum is neither used nor taken for none."""
    store.save_checkpoint("ingest", OLD)
    rows(f"update resilience_checkpoints set {change}")  # noqa: S608 - the test's own words

    with pytest.raises(CheckpointDamagedError, match=r"resilience_checkpoints.*delete_checkpoint"):
        store.load_checkpoint("ingest")


@pytest.mark.parametrize("operation_id", ["", "../up", "a/b", None])
def test_ids_are_those_of_files(store, operation_id):
    """What one store refuses the other refuses, so that an operation can move between them."""
    with pytest.raises(CheckpointRefusedError):
        store.save_checkpoint(operation_id, OLD)


@pytest.mark.parametrize("state", [{"a": float("nan")}, {1: 2}, [1], {"a": object()}])
def test_states_are_those_of_files(store, state):
    """Nothing is sent."""
    with pytest.raises(CheckpointRefusedError):
        store.save_checkpoint("ingest", state)
    assert store.load_checkpoint("ingest") is None


def test_a_table_of_ones_own(connection, rows):
    """Its name is read as SQL would read it; its folder must be there."""
    rows("create schema ops")
    PostgresCheckpointStore(connection, table="Ops.Progress").save_checkpoint("ingest", OLD)

    assert rows("select operation_id from ops.progress") == [("ingest",)]
    with pytest.raises(FatalError, match="create table if not exists"):
        PostgresCheckpointStore(connection, table="nowhere.progress")
    with pytest.raises(FatalError, match=r"'name' or 'schema.name'"):
        PostgresCheckpointStore(connection, table="a; drop table b")


def test_without_the_right_to_make_the_table_the_error_says_what_to_run(database, rows):
    """A role that may not create gets the statement for somebody who may."""
    rows("drop role if exists guest; create role guest")
    with (
        contextlib.closing(psycopg2.connect(database, options="-c role=guest")) as connection,
        pytest.raises(FatalError, match="have its owner run: create table"),
    ):
        PostgresCheckpointStore(connection)
    rows("drop role guest")
