"""The file of waivers: read, or refused with every mistake and its place."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from datetime import date, timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.checklist.waivers import Waiver, read_waivers
from pytest_resilience.checklist.waivers.file import WaiverError
from pytest_resilience.checklist.waivers.waiver import covering

TODAY = date(2026, 3, 1)
GOOD = """\
# agreed on Monday

[[waiver]]
item = "rollback"
subject = "workload train"
reason = "the registry cannot undo it yet"
owner = "ana"
approver = "ben"
expires = 2026-03-31
"""


@pytest.fixture
def read(tmp_path):
    """Write a file and read it."""
    file = tmp_path / "resilience-waivers.toml"

    def write_and_read(text):
        file.write_text(text, encoding="utf-8")
        return read_waivers(file, today=TODAY)

    return write_and_read


def complaints(read, text):
    """Return `line: message` of each."""
    with pytest.raises(WaiverError) as refused:
        read(text)
    return [f"{each.position.line}: {each.message}" for each in refused.value.complaints]


def test_a_waiver_is_read(read):
    """With its place, for messages."""
    (waiver,) = read(GOOD)

    assert ("rollback", "workload train", date(2026, 3, 31)) == (waiver.item, waiver.subject, waiver.expires)
    assert str(waiver) == "the waiver of rollback, workload train at resilience-waivers.toml:3"


def test_no_file_is_no_waiver(tmp_path):
    """And an empty one is none either."""
    (tmp_path / "empty.toml").write_text("")

    assert read_waivers(tmp_path / "none.toml", today=TODAY) == ()
    assert read_waivers(tmp_path / "empty.toml", today=TODAY) == ()


@pytest.mark.parametrize("written", ['"2026-03-31"', "2026-03-31T00:00:00Z", "2026-03-31"])
def test_a_date_may_be_text(read, written):
    """As people write it."""
    (waiver,) = read(GOOD.replace("2026-03-31", written))

    assert date(2026, 3, 31) == waiver.expires


def test_an_expired_waiver_is_read(read):
    """It is no mistake in the file: it fails its item."""
    (waiver,) = read(GOOD.replace("2026-03-31", "2026-02-01"))

    assert waiver.is_expired(TODAY)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("expires = 2026-03-31\n", "", "3: expires is missing: a date, at most 90 days ahead"),
        ('owner = "ana"\n', "", "3: owner is missing: who answers for it"),
        (
            "2026-03-31",
            "2026-05-31",
            "9: expires is 2026-05-31: at most 90 days ahead, so 2026-05-30 at the latest",
        ),
        ("2026-03-31", '"never"', "9: expires is 'never': write a date such as 2026-03-31"),
        ("2026-03-31", "90", "9: expires is 90: write a date such as 2026-03-31"),
        ('"ben"', '" ANA "', "8: approver ' ANA ' is the owner: somebody else has to agree"),
        ('"ben"', '"  "', "8: approver is '  ': write some text"),
        ('"ben"', "7", "8: approver is 7: write some text"),
        (
            'item = "rollback"',
            'item = "rolback"',
            "4: item is 'rolback': did you mean 'rollback'? known are ",
        ),
        ('item = "rollback"', "item = 7", "4: item is 7: known are external-calls"),
        ("subject", "subjcet", "5: unknown key 'subjcet': did you mean 'subject'? known are "),
        ("[[waiver]]", "[waiver]", "3: [waiver] is one table: write [[waiver]] for each"),
        ("[[waiver]]", "[[waivers]]", "3: unknown key 'waivers': write [[waiver]]"),
        ('"ana"', '"ana', "7: this is not TOML: "),
    ],
)
def test_a_mistake_is_told_with_its_place(read, old, new, expected):
    """What is wrong, where, and what to write instead."""
    (complaint,) = complaints(read, GOOD.replace(old, new))

    assert complaint.startswith(expected)


def test_the_same_person_by_another_spelling_is_the_owner(read):
    """Case and spaces make nobody else."""
    text = GOOD.replace('"ana"', '"Ana Lima"').replace('"ben"', '"ana  lima"')

    assert complaints(read, text)[0].split(":")[0] == "8"


def test_all_mistakes_are_told_at_once(read):
    """In the order of the file; a text of several lines does not shift them."""
    text = '[[waiver]]\nitem = "x"\nreason = """\n[[waiver]]\nowner = 1\n"""\n' + GOOD.replace(
        "2026-03-31", "1"
    )

    lines = [complaint.split(":")[0] for complaint in complaints(read, text)]

    assert lines == ["1", "1", "1", "2", "15"]


def test_the_same_waiver_twice_is_refused(read):
    """Two dates for one thing would hide the earlier."""
    assert (
        "11: the same item and subject stand at line 3"
        in complaints(read, GOOD + "\n" + GOOD.split("\n\n")[1])[0]
    )


def test_inline_tables_are_refused_at_their_place(read):
    """Another way to write TOML has a line too."""
    (complaint,) = complaints(
        read, '\nwaiver = [{ item = "rollback", reason = "r", owner = "a", approver = "b" }]\n'
    )

    assert "2: expires is missing" in complaint


def test_unreadable_bytes_are_refused(tmp_path):
    """With the file's name."""
    (tmp_path / "w.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(WaiverError, match=r"w\.toml:1:1: cannot be read"):
        read_waivers(tmp_path / "w.toml", today=TODAY)


@given(days=st.integers(-2000, 2000))
def test_ninety_days_are_the_most(tmp_path_factory, days):
    """To the day."""
    file = tmp_path_factory.mktemp("waivers") / "w.toml"
    file.write_text(GOOD.replace("2026-03-31", str(TODAY + timedelta(days=days))))
    try:
        read_waivers(file, today=TODAY)
        refused = False
    except WaiverError:
        refused = True

    assert (days > 90) == refused


def test_the_schema_knows_the_same_file():
    """Editors complete and check by it."""
    schema = json.loads(files("pytest_resilience.checklist.waivers").joinpath("schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    data = json.loads(json.dumps(tomllib.loads(GOOD), default=str))
    wrong = {"waiver": [{**data["waiver"][0], "until": "2026-03-31"}]}

    assert list(Draft202012Validator(schema).iter_errors(data)) == []
    assert len(list(Draft202012Validator(schema).iter_errors(wrong))) == 1
    assert [item.id for item in ITEMS] == schema["$defs"]["waiver"]["properties"]["item"]["enum"]


@pytest.mark.parametrize(
    ("changed", "is_covered"),
    [
        ({}, True),
        ({"subject": "workload ingest*"}, True),
        ({"subject": "workload score*"}, False),
        ({"item": "breakers"}, False),
        ({"expires": date(2026, 3, 1)}, True),
        ({"expires": date(2026, 2, 28)}, False),
    ],
)
def test_what_is_covered_is_all_that_did_not_pass(changed, is_covered):
    """One waiver is no reason to pass over what it says nothing of, or what another, expired one did."""
    terms = {"reason": "later", "owner": "ana", "approver": "ben", "expires": date(2026, 4, 1)}
    waiver = Waiver(**{"item": "transactions", **terms, **changed})
    found = {
        outcome: Evidence(
            item="transactions",
            kind="dynamic",
            subject="workload ingest / service warehouse",
            outcome=outcome,
        )
        for outcome in ("passed", "failed", "unproven", "not-applicable")
    }
    other = dataclasses.replace(found["failed"], item="messages")
    today = date(2026, 3, 1)

    assert (covering([waiver], found.values(), today=today) is waiver) == is_covered
    assert covering([waiver], [*found.values(), other], today=today) is None
    assert covering([waiver], [found["passed"], found["not-applicable"]], today=today) is None
    assert covering([], found.values(), today=today) is None
