"""Fault points found in the messages of a run."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_resilience.chaos.points.of_http import http_points
from pytest_resilience.chaos.points.of_postgres import postgres_points
from pytest_resilience.chaos.points.recording import Recording, difference, outline, record_points
from pytest_resilience.chaos.run.record import Message


def message(side: Any, name: str, shape: str | None = None, **more: Any) -> Message:
    """A message of the first connection."""
    facts: dict[str, Any] = {"at": 0.0, "service": "warehouse", "connection": 1, "transaction": "I"} | more
    return Message(side=side, message=name, shape=shape, **facts)


TRANSACTION = [
    message("-", "connected"),
    message("request", "SSLRequest"),
    message("request", "Startup"),
    message("reply", "Authentication"),
    message("reply", "ParameterStatus"),
    message("reply", "ReadyForQuery"),
    message("request", "Query", "BEGIN"),
    message("reply", "CommandComplete", "BEGIN"),
    message("request", "Query", "insert into t values (?)", transaction="T"),
    message("reply", "CommandComplete", "INSERT", transaction="T"),
    message("request", "Query", "COMMIT", transaction="T"),
    message("reply", "CommandComplete", "COMMIT", transaction="T"),
    message("request", "Terminate"),
]


def test_statements_are_points_on_both_sides() -> None:
    """The small talk of the protocol is none."""
    points = [point.id for point in postgres_points("warehouse", TRANSACTION)]

    assert points == [
        "Startup-1-request",
        "BEGIN-1-request",
        "BEGIN-1-reply",
        "INSERT-1-request",
        "INSERT-1-reply",
        "COMMIT-1-request",
        "COMMIT-1-reply",
    ]


def test_a_reply_knows_its_statement() -> None:
    """The shape of what is answered stands beside the tag."""
    reply = [point for point in postgres_points("warehouse", TRANSACTION) if point.id == "INSERT-1-reply"]

    assert [point.shape for point in reply] == ["insert into t values (?)"]


def test_a_string_of_statements_has_a_point_for_each() -> None:
    """Each is counted, as the engine does."""
    text = "insert into a values (?); insert into b values (?)"
    points = [point.id for point in postgres_points("w", [message("request", "Query", text)])]

    assert points == ["INSERT-1-request", "INSERT-2-request"]


def test_copied_data_has_a_first_and_a_last_message() -> None:
    """Those in between are as good as they are, until CopyDone."""
    copied = [
        message("request", "Query", "copy t from stdin"),
        message("request", "CopyData", count=7),
        message("request", "CopyDone"),
        message("request", "CopyData", count=1),
    ]
    points = [point.id for point in postgres_points("w", copied)]

    assert points == [
        "COPY-1-request",
        "CopyData-1-request",
        "CopyData-7-request",
        "CopyDone-1-request",
        "CopyData-8-request",
    ]


def test_longer_tags_count_for_shorter_ones() -> None:
    """A trigger CREATE TABLE is also met by CREATE TABLE AS, so the number counts both."""
    made = [
        message("request", "Query", "create table a as select ?"),
        message("request", "Query", "create table b (x int)"),
    ]

    assert [point.id for point in postgres_points("w", made)] == [
        "CREATE-TABLE-AS-1-request",
        "CREATE-TABLE-2-request",
    ]


def test_requests_are_points_on_both_sides() -> None:
    """A template with more blanks is met by more requests, and counts them."""
    asked = [
        message("request", "GET", "/a/b"),
        message("reply", "200", "/a/b"),
        message("request", "GET", "/a/{}"),
        message("reply", "404", "/a/{}"),
    ]

    assert [point.id for point in http_points("labs", asked)] == [
        "GET-a-b-1-request",
        "GET-a-b-1-reply",
        "GET-a-x-2-request",
        "GET-a-x-2-reply",
    ]


def test_a_recording_is_kept_and_compared() -> None:
    """What came is told, and what went."""
    before = record_points("ingest", TRANSACTION, {"warehouse": "postgres"})
    after = record_points("ingest", TRANSACTION * 2, {"warehouse": "postgres"})

    assert Recording.from_json(before.to_json()) == before
    assert difference(before, before) == ()
    assert "+ 1 x warehouse request COMMIT, in a transaction" in difference(before, after)
    assert "- 1 x warehouse request COMMIT, in a transaction" in difference(after, before)
    assert "warehouse request INSERT, in a transaction: insert into t values (?)" in outline(before)


@pytest.mark.parametrize(
    "kept",
    [
        "[]",
        '{"workload": "ingest"}',
        '{"workload": "ingest", "points": [{"service": "w", "colour": "red"}]}',
        "{cut off",
    ],
)
def test_a_recording_of_another_version_is_as_none(kept) -> None:
    """The cache of a test run outlives the version that wrote it, and must not stop the next one."""
    assert Recording.from_json(kept) is None
