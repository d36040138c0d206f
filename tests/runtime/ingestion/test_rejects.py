"""Wrong rows: each goes to the reject table with its reason, and too many of them end the run."""

from __future__ import annotations

import logging
import string
from random import Random

import pytest

from pytest_resilience import (
    BusinessLogicError,
    FatalError,
    ResilienceError,
)

HEADER = "stay_id,unit,los,heart_rate,admitted,note\n"


def good(numbers):
    """Return good rows."""
    return "".join(f"{n},MICU,1.5,80,2150-03-04 05:06,stable\n" for n in numbers)


WRONG = {
    "x,MICU,1,80,,": ("22P02", "stay_id"),
    "2,,1,80,,": ("23502", "unit"),
    "3,MICU,99999.5,80,,": ("22003", None),
    "4,MICU,1,301,,": ("23514", None),
    "5,MICU,1,99999,,": ("22003", "heart_rate"),
    "6,MICU,1,80,2150-13-01,": ("22008", "admitted"),
    "7,MICU,1,80,": ("22P04", None),
    "8,MICU,1,80,,,,": ("22P04", None),
    "0,MICU,1,80,,": ("23505", None),
    "9,MI\udcffCU,1,80,,": ("22021", None),
    "10,a\0b,1,80,,": ("22021", None),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("place", [0, 5, 24])
def test_a_wrong_row_goes_to_the_reject_table_with_its_reason(wrong, place, write, table, ingest, rows):
    """Type, range, required field, check, key, number of fields, encoding; every other row goes in."""
    lines = good(range(100, 124)).splitlines(keepends=True)
    lines.insert(place, wrong + "\n")
    if wrong.startswith("0,"):
        lines.insert(0, good([0]))
        place += 1
    path = write((HEADER + "".join(lines)).encode(errors="surrogateescape"))

    result = ingest(path)

    state, column = WRONG[wrong]
    [(line, sqlstate, reason, text, source)] = rows(
        "select line, sqlstate, reason, row_text, source_file from raw.stays_rejects"
    )
    assert (result.rows, result.rejected) == (len(lines) - 1, 1)
    assert (line, sqlstate, source) == (place + 2, state, str(path))
    assert column is None or column in reason
    assert text.startswith(wrong.split(",")[0])
    assert len(table()) == len(lines) - 1


def test_many_wrong_rows_are_all_found(write, table, ingest, rows):
    """Mixed kinds in several batches: each good row is in, each wrong one is out, none is guessed."""
    lines = good(range(1000, 1200)).splitlines(keepends=True)
    for place in range(0, 200, 11):
        lines[place] = f"bad{place},MICU,1,80,,\n"
    lines[50] = '50,"two\nlines",1,80,,"a\n""quoted"" note"\n'
    lines[60] = '60,"two\nlines",x,80,,"a\n""quoted"" note"\n'
    path = write(HEADER + "".join(lines))

    result = ingest(path, batch_size=70, quality_threshold=0.5)

    assert (result.rows, result.rejected, result.batches) == (180, 20, 3)
    assert len(table()) == 180
    found = rows("select line, split_part(row_text, ',', 1) from raw.stays_rejects order by line")
    shift = {place: place + 2 + 2 * (place > 50) + 2 * (place > 60) for place in range(200)}
    expected = [(shift[place], f"bad{place}") for place in range(0, 200, 11)] + [(shift[60], "60")]
    assert found == sorted(expected)


def test_wrong_rows_of_a_foreign_key_are_found(write, rows, ingest):
    """The server names no line for these; halves find them."""
    rows("create table units (unit text primary key); insert into units values ('MICU')")
    rows("create table t (a int, unit text references units)")
    lines = ["1,MICU\n"] * 30
    lines[7] = lines[20] = "2,nowhere\n"

    result = ingest(write("a,unit\n" + "".join(lines)), "t", batch_size=30)

    assert (result.rows, result.rejected) == (28, 2)
    assert rows("select line from t_rejects order by 1") == [(9,), (22,)]


def test_wrong_rows_of_a_deferred_constraint_are_found(write, rows, ingest):
    """What only COMMIT would find is found row by row."""
    rows("create table t (a int unique deferrable initially deferred)")

    result = ingest(write("a\n" + "".join(f"{n % 24}\n" for n in range(25))), "t", batch_size=30)

    assert (result.rows, result.rejected) == (24, 1)


@pytest.mark.parametrize("code", ["P0001", "P0002", "P0004", "23514", "44000", "ICU01", "54000"])
def test_what_a_trigger_raises_is_a_wrong_row(write, rows, ingest, code):
    """Rules that a team keeps in a trigger count like constraints, whatever they call their errors."""
    rows("create table t (a int)")
    rows(
        "create function rule() returns trigger language plpgsql as"
        f" $$ begin if new.a = 7 then raise 'seven' using errcode = '{code}'; end if; return new; end $$;"
        " create trigger rule before insert on t for each row execute function rule()"
    )

    result = ingest(write("a\n" + "".join(f"{n}\n" for n in range(20))), "t")

    assert (result.rows, result.rejected) == (19, 1)
    assert rows("select reason from t_rejects") == [("seven",)]


@pytest.mark.parametrize("code", ["42501", "57014", "XX000"])
def test_what_is_no_fault_of_a_row_ends_the_ingestion(write, rows, ingest, code):
    """A missing right or a cancelled statement would be there for each row."""
    rows("create table t (a int)")
    rows(
        "create function rule() returns trigger language plpgsql as"
        f" $$ begin if new.a = 7 then raise 'seven' using errcode = '{code}'; end if; return new; end $$;"
        " create trigger rule before insert on t for each row execute function rule()"
    )

    with pytest.raises(ResilienceError):
        ingest(write("a\n" + "".join(f"{n}\n" for n in range(20))), "t")


def test_a_value_too_long_for_an_index_is_a_wrong_row(write, rows, ingest):
    """The others are in the table."""
    rows("create table t (a text primary key)")
    long = "".join(Random(1).choices(string.ascii_letters, k=20_000))  # which no compression makes short
    result = ingest(write("a\n" + "".join(f"{n}\n" for n in range(20)) + f"{long}\n"), "t")

    assert (result.rows, result.rejected) == (20, 1)


def test_a_reject_table_can_be_chosen(write, table, ingest, rows):
    """Its name is a plain one."""
    path = write(HEADER + good(range(10)) + "x,MICU,1,80,,\n")
    ingest(path, reject_table="public.wrong_rows")

    assert rows("select count(*) from public.wrong_rows") == [(1,)]
    with pytest.raises(FatalError, match=r"'name' or 'schema.name'"):
        ingest(path, reject_table="a; drop table b")


def test_no_row_of_the_file_is_logged_or_raised(write, table, ingest, caplog):
    """Not in log lines, not in the message of an error."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BusinessLogicError) as caught:
        ingest(write(HEADER + "Jane Roe,MICU,1,80,,\n4711,MICU,1,x4711,,\n"))

    assert "Jane" not in caplog.text + str(caught.value)
    assert "4711" not in caplog.text + str(caught.value)


@pytest.mark.parametrize(("wrong", "raises"), [(2, False), (3, True)])
def test_below_ninety_percent_nothing_of_the_batch_stays(wrong, raises, write, table, ingest, rows):
    """Exactly 90 % is enough; below, the error carries value and threshold, and the rejects are kept."""
    path = write(HEADER + good(range(20 - wrong)) + "".join(f"x{n},MICU,1,80,,\n" for n in range(wrong)))

    if raises:
        with pytest.raises(BusinessLogicError, match="data_quality_score") as caught:
            ingest(path, batch_size=20)
        assert (caught.value.value, caught.value.threshold) == (1 - wrong / 20, 0.9)
        assert table() == []
    else:
        assert ingest(path, batch_size=20).rows == 20 - wrong
    assert rows("select count(*) from raw.stays_rejects") == [(wrong,)]


def test_the_score_is_that_of_the_whole_file(write, table, ingest):
    """A bad stretch is forgiven if the file as a whole is good enough."""
    path = write(HEADER + "".join(f"x{n},MICU,1,80,,\n" for n in range(8)) + good(range(92)))

    assert ingest(path).rows == 92


def test_wrong_rows_that_are_long_leave_hope_for_many_short_ones(write, table, ingest):
    """How many rows follow is told by how short a row can be, and not by how long the first ones are."""
    wrong = "".join(f"{'x' * 300}{n},MICU,1,80,,\n" for n in range(8))

    assert ingest(write(HEADER + wrong + good(range(92)))).rows == 92


def test_a_hopeless_file_is_given_up_early(write, table, ingest):
    """When the rest cannot save it any more, the rest is not read."""
    text = HEADER + "".join(f"x{n},MICU,1,80,,\n" + good([n]) for n in range(500))

    with pytest.raises(BusinessLogicError):
        ingest(write(text))
    assert 0 < len(table()) < 250


def test_after_a_quality_error_a_lower_threshold_goes_on(write, table, ingest, rows):
    """The checkpoint stays, so a person who accepts the rejects finishes the file without doubles."""
    path = write(HEADER + good(range(25)) + "".join(f"x{n},MICU,1,80,,\n" for n in range(5)))
    with pytest.raises(BusinessLogicError):
        ingest(path)

    result = ingest(path, quality_threshold=0.8)

    assert (result.rows, result.rejected, result.resumed_from) == (25, 5, 20)
    assert len(table()) == 25
    assert rows("select count(*) from raw.stays_rejects") == [(5,)]
