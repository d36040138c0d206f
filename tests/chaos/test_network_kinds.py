"""Every network fault kind is known by its public name, attributes and units."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_resilience.chaos.network_kinds import AT_A_MESSAGE, NETWORK_KINDS, network_kind
from pytest_resilience.chaos.point import HttpPoint, PostgresPoint
from pytest_resilience.proxy.lane import CHUNK_SIZE


def test_kinds_are_those_of_the_table() -> None:
    """The eight that are Toxiproxy's own."""
    assert {kind.name: sorted(kind.attributes) for kind in NETWORK_KINDS} == {
        "down": [],
        "latency": ["delay", "jitter"],
        "bandwidth": ["rate"],
        "slow_close": ["delay"],
        "timeout": ["after"],
        "reset_peer": ["after"],
        "slicer": ["delay", "size", "variation"],
        "limit_data": ["bytes"],
    }


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("latency", {"delay": 0.3, "jitter": "100ms"}, {"latency": 300, "jitter": 100}),
        ("latency", {"delay": "0.2ms"}, {"latency": 1, "jitter": 0}),
        ("bandwidth", {"rate": 100_000}, {"rate": 100}),
        ("bandwidth", {"rate": 0}, {"rate": 0}),
        ("bandwidth", {"rate": 1_500}, {"rate": 1, "bytes_per_second": 1_500}),
        ("bandwidth", {"rate": 5}, {"rate": 1, "bytes_per_second": 5}),
        ("slow_close", {"delay": "2s"}, {"delay": 2000}),
        ("timeout", {}, {"timeout": 0}),
        ("reset_peer", {"after": 1}, {"timeout": 1000}),
        ("slicer", {"size": 64, "delay": "1ms"}, {"average_size": 64, "size_variation": 0, "delay": 1000}),
        ("limit_data", {"bytes": 10}, {"bytes": 10}),
    ],
)
def test_attributes_become_the_toxics_own(kind: str, given: dict[str, Any], expected: dict[str, int]) -> None:
    """Seconds and bytes become the names and units of Toxiproxy."""
    assert network_kind(kind).toxic_attributes(given) == expected


@pytest.mark.parametrize("kind", ["latency", "slow_close"])
def test_a_delay_of_nothing_is_refused(kind: str) -> None:
    """It would be a fault that changes nothing, and a test that is green for it."""
    with pytest.raises(ValueError, match="delay is 0: it has to be more than nothing"):
        network_kind(kind).toxic_attributes({"delay": 0})


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        ("bandwidth", {"rate": 10**18}, "rate is 1000000000000000000: nothing here is faster"),
        ("slicer", {"size": CHUNK_SIZE}, "size is 32768: data comes in pieces of 32768 bytes at most anyway"),
        ("slicer", {"size": 0}, "size is 0: pieces have a length"),
        ("slicer", {"size": 2, "variation": 3}, "variation is 3: it is at most size, which is 2"),
    ],
)
def test_sizes_that_change_nothing_are_refused(kind: str, given: dict[str, Any], told: str) -> None:
    """They would count as fired on each connection, and a test be green for them."""
    with pytest.raises(ValueError, match=told):
        network_kind(kind).toxic_attributes(given)


def test_unknown_names_are_told_with_the_nearest() -> None:
    """A misspelled kind or attribute is an error that shows the right one."""
    with pytest.raises(ValueError, match="no fault kind 'latncy'; did you mean 'latency'"):
        network_kind("latncy")
    with pytest.raises(TypeError, match="has no attribute 'dely'; did you mean 'delay'"):
        network_kind("latency").toxic_attributes({"dely": 1})
    with pytest.raises(TypeError, match="'latency' needs delay"):
        network_kind("latency").toxic_attributes({})
    with pytest.raises(ValueError, match="bytes is -1: it takes a number of bytes"):
        network_kind("limit_data").toxic_attributes({"bytes": -1})


def test_kind_that_needs_a_message_is_told() -> None:
    """A fault at a message, asked for without one, is no unknown kind."""
    assert set(AT_A_MESSAGE) == (set(PostgresPoint.KINDS) | set(HttpPoint.KINDS)) - {"down"}
    with pytest.raises(ValueError, match="fault 'cut' goes to a message: say which, when="):
        network_kind("cut")
