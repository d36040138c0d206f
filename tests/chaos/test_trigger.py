"""What a fixture's `at` takes is what a scenario's `when` takes."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_resilience.chaos.nearest import nearest
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
