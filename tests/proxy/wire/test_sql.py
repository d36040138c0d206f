"""SQL is split, named and stripped of its data, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.proxy.wire.postgres.command_tags import canonical_message
from pytest_resilience.proxy.wire.sql.shape import shape
from pytest_resilience.proxy.wire.sql.split import split
from pytest_resilience.proxy.wire.sql.statement import Statement
from pytest_resilience.proxy.wire.sql.tokens import all_tokens


@pytest.mark.parametrize(
    ("sql", "tags"),
    [
        ("", []),
        (" ; /* nothing */ ; -- nothing", []),
        ("select 1", ["SELECT"]),
        ("select 1;", ["SELECT"]),
        ("begin; insert into t values (1); END;", ["BEGIN", "INSERT", "COMMIT"]),
        ("select ';'; select 2", ["SELECT", "SELECT"]),
        ("select E'\\';'; commit", ["SELECT", "COMMIT"]),
        ("select 'it''s;'; commit", ["SELECT", "COMMIT"]),
        ("select $$;$$; commit", ["SELECT", "COMMIT"]),
        ("select $a$;$b$;$a$; commit", ["SELECT", "COMMIT"]),
        ("select a$b;$ from t", ["SELECT", "$"]),
        ('select ";" from t; commit', ["SELECT", "COMMIT"]),
        ("select 1 /* ; /* ; */ ; */; commit", ["SELECT", "COMMIT"]),
        ("select 1 -- ; commit\n; rollback", ["SELECT", "ROLLBACK"]),
        ("create rule r as on insert to t do (insert into u values (1); delete from v); commit", None),
        (
            "create function f() returns int begin atomic select 1; select case when true then 2 end; end; commit",
            None,
        ),
        ("select $1; select 2", ["SELECT", "SELECT"]),
        ("select 'never closed; commit", ["SELECT"]),
        ("select /* never closed; commit", ["SELECT"]),
        ("select $x$ never closed; commit", ["SELECT"]),
    ],
)
def test_split(sql, tags):
    """Only semicolons between statements split, and comments alone are no statement."""
    found = [statement.tag for statement in split(sql)]

    if tags is None:
        assert (len(found), found[-1]) == (2, "COMMIT")
    else:
        assert found == tags


@pytest.mark.parametrize(
    ("sql", "tag"),
    [
        ("END", "COMMIT"),
        ("commit work and no chain", "COMMIT"),
        ("commit prepared 'x'", "COMMIT PREPARED"),
        ("abort", "ROLLBACK"),
        ("rollback to savepoint s", "ROLLBACK"),
        ("rollback prepared 'x'", "ROLLBACK PREPARED"),
        ("prepare transaction 'x'", "PREPARE TRANSACTION"),
        ("prepare p as select 1", "PREPARE"),
        ("start transaction isolation level serializable", "BEGIN"),
        (
            "with x as (select 1), y as materialized (insert into u select 1 returning *) update t set a = 1",
            "UPDATE",
        ),
        ("with recursive x as (select 1 union select 2) (select * from x)", "SELECT"),
        ("with x as (select 1) merge into t using x on true when matched then do nothing", "MERGE"),
        ("/*c*/ -- d\n (values (1))", "SELECT"),
        ("table t", "SELECT"),
        ("create unlogged table t (a int)", "CREATE TABLE"),
        ("create table t as select 1", "CREATE TABLE AS"),
        ("create table t (a int generated always as (b * 2) stored)", "CREATE TABLE"),
        ("create or replace temp view v as select 1", "CREATE VIEW"),
        ("create unique index concurrently i on t (a)", "CREATE INDEX"),
        ("create materialized view v as select 1", "CREATE MATERIALIZED VIEW"),
        ("drop table if exists t", "DROP TABLE"),
        ("alter table only t add a int", "ALTER TABLE"),
        ("truncate t", "TRUNCATE TABLE"),
        ("discard all", "DISCARD ALL"),
    ],
)
def test_tag(sql, tag):
    """The tag is the one that the server reports, but for synonyms."""
    assert Statement(sql).tag == tag


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("insert into raw.icustays values (1)", "raw.icustays"),
        ('INSERT INTO Raw."ICU ""Stays""" (a) values (1)', 'raw.ICU "Stays"'),
        ("with x as (select 1) insert into t select * from x", "t"),
        ("copy raw.t (a, b) from stdin", "raw.t"),
        ("copy (select 1) to stdout", None),
        ("merge into only t using s on true when matched then delete", "t"),
        ("select 1", None),
        ("insert into", None),
    ],
)
def test_table(sql, table):
    """The table is named as the server folds it."""
    assert Statement(sql).table == table


def test_prepared_in_sql():
    """A PREPARE knows its name and what it prepares, an EXECUTE what it names."""
    prepared = Statement("prepare Fill (int, text) as insert into t values ($1, $2)").prepares

    assert prepared is not None
    assert (prepared.name, prepared.statement.tag, prepared.statement.table) == ("fill", "INSERT", "t")
    assert Statement('execute "Fill" (1, 2)').executes == "Fill"
    assert Statement("select 1").executes is None


@given(st.text(max_size=200))
def test_tokens_are_the_whole_text(sql):
    """Any text has tokens, and together they are the text."""
    assert "".join(token.text for token in all_tokens(sql)) == sql


SECRET = "canary4711"
_LITERALS = st.sampled_from(
    [
        f"'{SECRET}'",
        f"'it''s {SECRET}'",
        f"E'\\'{SECRET}\\\\'",
        f"$${SECRET}$$",
        f"$q$ ' {SECRET} $$ $q$",
        f"U&'{SECRET}'",
        f"N'{SECRET}'",
        f"/* {SECRET} /* {SECRET} */ */",
        f"-- {SECRET}\n",
        "4711",
        "47.11e+4",
        "0x4711",
    ]
)
_WORDS = st.sampled_from(
    ["select", "from t", "where a =", "(", ")", ",", '"name"', "x$y", "$1", "::text", ";", "\n"]
)


_UNCLOSED = st.sampled_from(["", f"'{SECRET}", f"E'{SECRET}\\", f"$a${SECRET}$$", f"/* {SECRET} /* */"])


@given(st.lists(st.one_of(_LITERALS, _WORDS), max_size=12).map(" ".join), _UNCLOSED)
def test_shape_holds_no_data(sql, unclosed):
    """No literal, number or comment is left in a shape, closed or not."""
    text = shape(f"{sql} {unclosed}")

    assert "4711" not in text
    assert "47.11" not in text


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("insert into  t\n values (1, 'a'), (2, 'b')", "insert into t values (?, ...), ..."),
        ("select * from t where a = $1 and b in (1,2,3)", "select * from t where a = $1 and b in (?, ...)"),
        ("select 'a' || b -- why", "select ? || b"),
    ],
)
def test_shape(sql, expected):
    """A shape reads as the statement does."""
    assert shape(sql) == expected


def test_long_shape_is_cut():
    """A shape is short, however long the statement is."""
    assert len(shape("select " + ", ".join(f"column_{chr(97 + n % 26)}" for n in range(1000)))) <= 300


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("commit", "COMMIT"),
        ("End", "COMMIT"),
        ("abort", "ROLLBACK"),
        ("start  transaction", "BEGIN"),
        ("Execute", "Execute"),
        ("execute", "EXECUTE"),
        ("query", "Query"),
        ("copydata", "CopyData"),
        ("create table", "CREATE TABLE"),
    ],
)
def test_canonical_message(name, canonical):
    """A trigger's message has one name."""
    assert canonical_message(name) == canonical


@pytest.mark.parametrize(
    ("name", "hint"), [("COMIT", "COMMIT"), ("Qery", "Query"), ("insrt", "INSERT"), ("42", "tag")]
)
def test_unknown_message(name, hint):
    """A misspelled message is refused, with the nearest one."""
    with pytest.raises(ValueError, match=hint):
        canonical_message(name)
