"""A database's state is equal where nothing differs that matters, and a difference is said without data."""

from __future__ import annotations

import contextlib
import secrets
import traceback

import psycopg2
import pytest

from pytest_resilience.chaos.state.difference import difference
from pytest_resilience.chaos.state.postgres import ROWS_TOLD, read_state, unstable_columns
from pytest_resilience.errors import HarnessError

STAYS = """
create schema raw;
create table raw.stays (
    stay_id bigint primary key, unit text not null, loaded_at timestamptz default clock_timestamp());
insert into raw.stays (stay_id, unit) select n, 'unit ' || n from generate_series(1, 10) n;
"""
EVERYTHING = """
create schema "Odd Schema"; create extension if not exists plpgsql;
create type mood as enum ('well', 'ill'); create domain age as int check (value >= 0);
create type pair as (a int, b int);
create sequence free start 7;
create table "Odd Schema"."Odd.Table" ("select" int, "with ""quote" text, feeling mood, years age, both_ pair, j jsonb);
insert into "Odd Schema"."Odd.Table" values (1, 'x', 'ill', 5, (1, 2), '{}'), (null, null, null, null, null, null);
create table nothing ();
create table parts (at date, n int) partition by range (at);
create table parts_2020 partition of parts for values from ('2020-01-01') to ('2021-01-01');
insert into parts values ('2020-02-02', 1);
create view seen as select * from parts; create materialized view kept as select 1 as one;
create materialized view unkept as select 1 as one with no data;
create function f(int) returns int language sql as 'select $1';
create aggregate total(int) (sfunc = int4pl, stype = int);
create function fire() returns trigger language plpgsql as 'begin return new; end';
create trigger t before insert on nothing for each row execute function fire();
alter table parts enable row level security; create policy p on parts using (n > 0);
create rule r as on delete to parts do instead nothing; create index i on parts (n);
"""


@pytest.fixture
def stays(fresh, run):
    """Return a function that makes a database with ten stays and changes it."""

    def make(change="select 1"):
        dsn = fresh()
        run(dsn, STAYS)
        run(dsn, change)
        return dsn

    return make


def state(dsn, mask=("raw.stays.loaded_at",), **settings):
    """Read the state without the column that differs."""
    return read_state(dsn, mask=mask, **settings)


def test_same_rows_in_any_order_are_equal(stays):
    """Two runs that did the same have one state, also where rows were written in another order."""
    other = "update raw.stays set unit = 'x' where stay_id = 3; update raw.stays set unit = 'unit 3' where unit = 'x'"
    first, second = state(stays()), state(stays(other))

    assert (first == second, first.digest == second.digest, difference(first, second)) == (True, True, ())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("delete from raw.stays where stay_id < 3", "raw.stays: 8 rows, expected 10, 2 rows lost"),
        ("insert into raw.stays values (11, 'x')", "raw.stays: 11 rows, expected 10, 1 row not expected"),
        (
            "update raw.stays set unit = 'x' where stay_id = 4",
            "raw.stays: 10 rows as expected, but not the same, 1 row changed, in column unit",
        ),
        (
            "update raw.stays set stay_id = 99 where stay_id = 4",
            "raw.stays: 10 rows as expected, but not the same, 1 row lost, 1 row not expected, in column stay_id",
        ),
        ("alter table raw.stays add extra int", "column raw.stays.extra is not expected"),
        ("alter table raw.stays alter unit drop not null", "column raw.stays.unit is defined otherwise"),
        ("create index slow on raw.stays (unit)", "index raw.slow is not expected"),
        ("create function f() returns int language sql as 'select 1'", "function public.f() is not expected"),
        ("create view raw.v as select 1 as one", "view raw.v is not expected"),
        ("grant select on raw.stays to public", "table raw.stays is defined otherwise"),
        ("drop schema raw cascade", "schema raw is missing"),
    ],
)
def test_difference_is_said(stays, change, words):
    """What a change did is among the words."""
    said = difference(state(stays()), state(stays(change)))

    assert words in said


def test_doubled_rows_are_told_from_new_ones(stays):
    """Without a key, a row that is there twice is one doubled."""
    bare = "alter table raw.stays drop constraint stays_pkey"
    twice = f"{bare}; insert into raw.stays select * from raw.stays where stay_id < 4"  # noqa: S608

    assert difference(state(stays(bare)), state(stays(twice))) == (
        "raw.stays: 13 rows, expected 10, 3 rows doubled",
    )


def test_words_hold_no_data(stays):
    """A value never stands in a difference."""
    changed = stays("update raw.stays set unit = 'Jane Doe', stay_id = 4711 where stay_id = 4")
    said = " ".join(difference(state(stays()), state(changed)))

    assert [word for word in ("Jane", "4711", "unit 4") if word in said] == []


def test_any_database_can_be_read(fresh, run):
    """Odd names, types, partitions, views, triggers, policies: two such databases are equal."""
    databases = [fresh(), fresh()]
    for dsn in databases:
        run(dsn, EVERYTHING)
    first, second = map(read_state, databases)

    assert difference(first, second) == ()


def test_surrogate_keys_are_left_out(fresh, run):
    """A sequence never rolls back: the same rows under other numbers are the same state."""
    schema = (
        "create table a (id serial primary key, name text); create table b (a int references a, note text);"
    )
    insert = "insert into a (name) values ('x'); insert into b select id, 'n' from a"
    databases = [fresh(), fresh()]
    for dsn, start in zip(databases, (1, 100), strict=True):
        run(dsn, f"{schema} alter sequence a_id_seq restart {start}")
        run(dsn, insert)
    same = difference(*map(read_state, databases))
    strict = difference(*(read_state(dsn, surrogates=True) for dsn in databases))

    assert (same, len(strict)) == ((), 2)


def test_a_natural_key_tells_changed_rows_where_the_first_one_is_masked(fresh, run):
    """Where the primary key is left out, another unique key says which row is which."""
    databases = [fresh(), fresh()]
    for dsn, note in zip(databases, ("old", "new"), strict=True):
        run(dsn, "create table a (id serial primary key, name text unique, note text)")
        run(dsn, "insert into a (name, note) values ('x', %s), ('y', 'same')", (note,))

    assert difference(*map(read_state, databases)) == (
        "public.a: 2 rows as expected, but not the same, 1 row changed, in column note",
    )


def test_unstable_columns_are_found(stays):
    """Two undisturbed runs tell which columns cannot be compared; masked, the states are equal."""
    first, second = stays(), stays()
    found = unstable_columns(read_state(first), read_state(second))

    assert (found, state(first, found) == state(second, found)) == (("raw.stays.loaded_at",), True)


@pytest.mark.parametrize(
    "mask", ["*.stays.loaded_at", "raw.*.loaded_at", "*.*.loaded_*", '"raw"."stays".loaded_at']
)
def test_masks_take_patterns(stays, mask):
    """Schema, table and column may be patterns."""
    assert state(stays(), [mask]) == state(stays(), [mask])


def test_mask_without_three_parts_is_refused(stays):
    """A mask that covers nothing by mistake would only be noticed as a difference."""
    with pytest.raises(HarnessError, match=r"mask 'loaded_at' is not schema\.table\.column"):
        read_state(stays(), mask=["loaded_at"])


def test_bookkeeping_of_the_runtime_is_masked(fresh, run):
    """Times and paths in the runtime's own tables do not count; that a checkpoint was left does."""
    table = (
        "create table resilience_checkpoints (operation_id text primary key, version bigint not null, "
        "state text not null, checksum text not null, saved_at timestamptz not null default now());"
    )
    databases = [fresh(), fresh(), fresh()]
    for number, dsn in enumerate(databases):
        run(dsn, table)
        if number < 2:
            run(
                dsn,
                "insert into resilience_checkpoints values (%s, %s, '{}', 'x')",
                (f"ingest-{number}", number),
            )
    first, second, none = map(read_state, databases)

    assert (difference(first, second), difference(first, none)) == (
        (),
        ("public.resilience_checkpoints: 0 rows, expected 1, 1 row lost",),
    )


def test_large_tables_are_counted_and_summed(fresh, run, monkeypatch):
    """Above the limit rows are no longer told apart, and a changed one is still seen."""
    monkeypatch.setattr("pytest_resilience.chaos.state.postgres.SMALL", 8192)
    databases = [fresh(), fresh()]
    for dsn in databases:
        run(dsn, "create table big as select n, n * 2 as m from generate_series(1, %s) n", (ROWS_TOLD + 1,))
    run(databases[1], "update big set m = 0 where n = 17")
    first, second = map(read_state, databases)
    words = f"public.big: {ROWS_TOLD + 1} rows as expected, but not the same"
    thorough = [read_state(dsn, columns=True) for dsn in databases]

    assert (first.tables["public.big"].rows, difference(first, second), difference(*thorough)) == (
        None,
        (words,),
        (f"{words}, in column m",),
    )


def test_state_does_not_depend_on_settings_of_the_database(fresh, run):
    """Time zone and number format of a database are no part of its rows."""
    databases = [fresh(), fresh()]
    for dsn, zone in zip(databases, ("UTC", "Asia/Tokyo"), strict=True):
        run(dsn, "create table t (at timestamptz, x float8)")
        run(dsn, "insert into t values ('2020-01-01 00:00:00+00', 0.1)")
        name = run(dsn, "select current_database()")[0][0]
        run(
            dsn,
            f"alter database {name} set timezone = '{zone}'; alter database {name} set extra_float_digits = -10",
        )

    assert read_state(databases[0]) == read_state(databases[1])


def test_lock_that_was_left_behind_is_said(stays, monkeypatch):
    """A table that somebody holds is an error in words, not a hang."""
    monkeypatch.setattr("pytest_resilience.chaos.state.side.LOCK_TIMEOUT", 0.05)
    dsn = stays()
    with contextlib.closing(psycopg2.connect(dsn)) as holder, holder.cursor() as cursor:
        cursor.execute("lock table raw.stays in access exclusive mode")
        with pytest.raises(HarnessError, match="lock timeout"):
            read_state(dsn)


def test_unreachable_database_is_said():
    """No server: what now, in one sentence."""
    with pytest.raises(HarnessError, match="cannot be looked at from the side"):
        read_state("postgresql+psycopg2://nobody@127.0.0.1:1/none")


def test_address_that_cannot_be_read_shows_no_password():
    """The library's own message quotes the whole address."""
    password = secrets.token_hex()
    with pytest.raises(HarnessError, match="none of PostgreSQL's") as caught:
        read_state(f"mysql://root:{password}@127.0.0.1/x")

    assert password not in "".join(traceback.format_exception(caught.value))
