"""What a fixture's `at` takes is what a scenario's `when` takes."""

from __future__ import annotations

from inspect import signature
from typing import Any

import pytest

from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.sandbox import _BESIDE
from pytest_resilience.chaos.trigger import trigger
from pytest_resilience.errors import Severity

NOTHING = {"table": None, "side": "request", "nth": 1, "connection": None}


@pytest.mark.parametrize(
    ("one_of", "beside", "told"),
    [
        ({"rows": 3}, {"nth": 2}, "nth means nothing beside rows"),
        ({"rows": 3}, {"side": "reply"}, "side means nothing beside rows"),
        ({"rows": 3}, {"connection": 1}, "connection means nothing beside rows"),
        ({"message": "COMMIT"}, {"table": "labs"}, "table means nothing beside message"),
        ({"message": "COMMIT"}, {"nth": 0}, "nth is 0: it counts from 1"),
        ({"message": "COMMIT"}, {"nth": True}, "nth is True: it counts from 1"),
        ({"rows": -1}, {}, "rows is -1: it is a whole number, from 0"),
        ({"rows": 1.5}, {}, "rows is 1.5: it is a whole number, from 0"),
        ({"rows": "3"}, {}, "rows is '3': it is a whole number, from 0"),
        ({"rows": 3}, {"table": ""}, "table is '': it is a text, and not empty"),
        ({"sql": 5}, {}, "sql is 5: it is a text, and not empty"),
        ({"message": ""}, {}, "message is '': it is a text, and not empty"),
        ({"message": "COMMIT"}, {"times": 0}, "times is 0: it counts from 1"),
    ],
)
def test_what_means_nothing_is_refused(one_of: dict[str, Any], beside: dict[str, Any], told: str) -> None:
    """Where it is written, not where the fault's block begins, and never passed over."""
    times = beside.pop("times", None)

    with pytest.raises(ValueError, match=told):
        trigger(one_of, NOTHING | beside, times=times)


def test_rows_of_a_table_are_counted() -> None:
    """On whichever side they can be seen."""
    assert trigger({"rows": 3}, NOTHING | {"table": "labs"}) == {"rows": 3, "table": "labs"}


def test_names_are_told_as_they_are_written() -> None:
    """Not as Python's objects."""
    assert nearest("HIHG", Severity).startswith("did you mean 'HIGH'? known are ")


def test_keys_of_a_trigger_are_the_arguments_of_at() -> None:
    """What `chaos.inject` takes by name, and what it names where one is misspelt."""
    for handle in (PostgresHandle, HttpHandle):
        taken = [name for name in signature(handle.at).parameters if name != "self"]
        assert sorted({"message_or_request", *_BESIDE}) == sorted(taken)
