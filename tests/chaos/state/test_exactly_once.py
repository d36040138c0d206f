"""Exactly once is judged key by key, in the server, and said without a single value."""

from __future__ import annotations

import contextlib
import csv
import gzip

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import set_wait_callback
from psycopg2.extras import wait_select

from pytest_resilience.chaos.configuration.model import ExactlyOnce
from pytest_resilience.chaos.state.exactly_once import judge_exactly_once, read_keys
from pytest_resilience.errors import HarnessError

ROWS = "stay_id,unit\r\n" + "".join(f'{n},"unit, of\n{n}"\r\n' for n in range(1, 11))
LOAD = "create schema raw; create table raw.stays (stay_id bigint, unit text);"
TEN = LOAD + "insert into raw.stays select n, 'x' from generate_series(1, 10) n;"  # noqa: S608


def promise(key=("stay_id",), rows="stays.csv", table="raw.stays"):
    """Declare it."""
    return ExactlyOnce(service="warehouse", table=table, key=key, rows=rows)


@pytest.fixture
def judged(database, run, tmp_path):
    """Return a function that fills a table and a file, and judges."""

    def judge(sql, declaration=None, text=ROWS):
        (tmp_path / "stays.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        run(database, sql)
        return judge_exactly_once(database, declaration or promise(), folder=tmp_path)

    return judge


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("", ()),
        (
            "delete from raw.stays where stay_id in (3, 9)",
            ("raw.stays: 2 keys lost (data rows 3, 9 of the file)",),
        ),
        (
            "insert into raw.stays select * from raw.stays where stay_id = 4; insert into raw.stays values (4, 'x')",
            ("raw.stays: 1 key doubled, 2 rows too many (data row 4 of the file)",),
        ),
        ("insert into raw.stays values (999, 'x')", ("raw.stays: 1 key there that is not expected",)),
        ("insert into raw.stays values (null, 'x')", ("raw.stays: 1 key there that is not expected",)),
        (
            "delete from raw.stays",
            ("raw.stays: 10 keys lost (data rows 1, 2, 3, 4, 5, ... of the file)",),
        ),
        ("drop table raw.stays", ("raw.stays is not there: no such table",)),
        ("alter table raw.stays rename stay_id to id", ("raw.stays has no column stay_id; it has id, unit",)),
    ],
)
def test_each_bug_is_said(judged, change, words):
    """Lost, doubled and phantom keys, and a table that is not there; rows of the file are numbered from 1."""
    assert judged(TEN + change) == words


@pytest.mark.parametrize(("key", "before"), [(("stay_id",), "999, 'x'"), (("unit", "stay_id"), "999, null")])
def test_rows_that_were_there_before_are_not_the_files(database, run, tmp_path, key, before):
    """Others are; and one that is doubled is doubled, whoever wrote it first."""
    declaration = promise(key=key)
    (tmp_path / "stays.csv").write_text(ROWS)
    run(database, LOAD + f"insert into raw.stays values ({before})")  # noqa: S608
    keys = read_keys(database, declaration)
    run(database, "insert into raw.stays select n, 'unit, of' || chr(10) || n from generate_series(1, 10) n")
    kept = judge_exactly_once(database, declaration, folder=tmp_path, before=keys)
    unknown = judge_exactly_once(database, declaration, folder=tmp_path)
    run(database, f"insert into raw.stays values ({before}), (5000, 'x')")  # noqa: S608
    more = judge_exactly_once(database, declaration, folder=tmp_path, before=keys)

    assert kept == ()
    assert unknown == ("raw.stays: 1 key there that is not expected",)
    assert more == (
        "raw.stays: 1 key doubled, 1 row too many",
        "raw.stays: 1 key there that is not expected",
    )


@pytest.fixture
def wait_callback():
    """As code that a test imports sets one, to wait with a time limit or to let green threads run."""
    set_wait_callback(wait_select)
    yield
    set_wait_callback(None)


@pytest.mark.usefixtures("wait_callback")
def test_a_wait_callback_of_this_process_changes_nothing(judged):
    """psycopg2 copies nothing then; the keys are compared all the same."""
    lost = "delete from raw.stays where stay_id = 3"

    assert judged(TEN + lost) == ("raw.stays: 1 key lost (data row 3 of the file)",)


@pytest.mark.parametrize(
    "text",
    [
        ROWS.replace("\r\n", "\n"),
        "\ufeff" + ROWS,
        ROWS.encode("utf-16"),
        "unit;STAY_ID \n" + "".join(f"x;{n}\n" for n in range(1, 11)),
        "stay_id\n" + "".join(f"{n:03d}\n\n" for n in range(1, 11)) + "1\n",
    ],
)
def test_files_as_people_write_them(judged, text):
    """Marks, other delimiters, header names in another case, zeros before a number, a key that is there twice."""
    assert judged(TEN, text=text) == ()


def test_compressed_file(database, run, tmp_path):
    """A `.gz` is read as what is in it."""
    (tmp_path / "stays.csv.gz").write_bytes(gzip.compress(ROWS.encode()))
    run(database, TEN)

    assert judge_exactly_once(database, promise(rows="stays.csv.gz"), folder=tmp_path) == ()


def test_several_columns_of_several_types(judged):
    """Keys are compared in the types of the table's columns."""
    sql = (
        'create schema raw; create table raw.stays (at timestamptz, "Unit" char(6), dose numeric(6, 2), note text);'
        "insert into raw.stays values ('2020-01-01 00:00:00+00', 'A', 1.50, ''), ('2020-01-02', 'tab\tbed', 2, 'x\\y')"
    )
    text = "at,unit,dose,note\n2020-01-01T00:00:00Z,A,1.5,\n2020-01-02,tab\tbed,2.00,x\\y\n"

    assert judged(sql.replace("char(6)", "char(8)"), promise(("at", "unit", "dose", "note")), text) == ()


def test_text_longer_than_its_column_is_lost(judged):
    """A cast must not cut a key until it fits."""
    sql = (
        "create schema raw; create table raw.stays (stay_id varchar(3)); insert into raw.stays values ('abc')"
    )

    assert judged(sql, text="stay_id\nabcd\n") == (
        "raw.stays: 1 key lost (data row 1 of the file)",
        "raw.stays: 1 key there that is not expected",
    )


def test_key_that_is_not_of_the_type_is_lost(judged):
    """A row that the table cannot hold is one that is not there; the others are still matched."""
    assert judged(TEN, text=ROWS + "seven,x\r\n") == ("raw.stays: 1 key lost (data row 11 of the file)",)


def test_odd_names(judged):
    """Names with capitals and dots are found as written, and without a schema where only one is so called."""
    sql = 'create schema odd; create table odd."Stays" ("Stay Id" int); insert into odd."Stays" values (1)'
    found = [
        judged(sql if not n else "select 1", promise(("Stay Id",), table=name), "Stay Id\n1\n")
        for n, name in enumerate(['odd."Stays"', "odd.Stays", "Stays"])
    ]

    assert found == [(), (), ()]


def test_keys_of_the_undisturbed_run(fresh, run, tmp_path):
    """Without a file the keys that the clean run left are expected."""
    clean, broken = fresh(), fresh()
    run(clean, TEN)
    run(broken, TEN + "update raw.stays set stay_id = 5 where stay_id = 6")  # noqa: S608
    keys = read_keys(clean, promise(rows=None))
    judged = [
        judge_exactly_once(dsn, promise(rows=None), folder=tmp_path, expected=keys) for dsn in (clean, broken)
    ]

    assert judged == [(), ("raw.stays: 1 key lost", "raw.stays: 1 key doubled, 1 row too many")]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("missing.csv", "cannot be read: No such file"),
        ("other.csv", "has no header with stay_id"),
        (None, "no keys to"),
    ],
)
def test_what_cannot_be_judged_is_said(database, run, tmp_path, rows, why):
    """A promise without its file is an error of the harness, not a broken promise."""
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    run(database, TEN)
    with pytest.raises(HarnessError, match=why):
        judge_exactly_once(database, promise(rows=rows), folder=tmp_path)


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.lists(st.tuples(_TEXTS, st.integers(-5, 5)), min_size=1, max_size=8, unique=True), data=st.data()
)
def test_any_text_is_a_key(session_table, tmp_path, keys, data):
    """Quotes, backslashes, line ends of all kinds, any script: what is loaded is found, what is dropped is lost."""
    dsn, write = session_table
    declaration = promise(("name", "n"), rows="rows.csv", table="any_text")
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([("name", "n"), *keys])
    kept = data.draw(st.sampled_from([keys, keys[1:]]))
    write(kept)
    lost = ("any_text: 1 key lost (data row 1 of the file)",)

    assert judge_exactly_once(dsn, declaration, folder=tmp_path) == (() if kept == keys else lost)


@pytest.fixture
def session_table(database):
    """A table of texts and numbers, and a function that sets its rows."""
    with contextlib.closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("create table any_text (name text, n int)")

        def write(rows):
            cursor.execute("truncate any_text")
            cursor.executemany("insert into any_text values (%s, %s)", rows)

        yield database, write


def test_nothing_stays_in_the_database(judged, database, run):
    """Judging leaves no table behind."""
    judged(TEN)

    assert (
        run(database, "select relname from pg_class where relname like 'expected%' and relpersistence <> 't'")
        == []
    )
