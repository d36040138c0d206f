"""The list of toxics, and their draws."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_resilience.proxy import chain as toxics_chain
from pytest_resilience.proxy import toxics
from pytest_resilience.proxy.draw import Draw
from pytest_resilience.proxy.lane import Direction
from pytest_resilience.proxy.toxics import TOXICS, Slicer
from pytest_resilience.proxy.toxics.attributes import AttributeRefusedError
from pytest_resilience.proxy.toxics.slicer import SlicerStage

SHARED = {"__init__", "attributes", "stage", "timed_stage"}


def test_every_file_is_a_toxic_of_the_list() -> None:
    """One file a toxic, named after it, and none forgotten."""
    files = {path.stem for path in Path(toxics.__file__).parent.glob("*.py")} - SHARED

    assert {toxic.kind for toxic in TOXICS} == files
    assert {toxic.__module__.rpartition(".")[2] for toxic in TOXICS} == files


def test_draws_follow_from_all_of_their_seed() -> None:
    """The same seed, proxy, connection and toxic draw the same; any other draws something else."""
    seeds = [(1, "p", 1, "t"), (2, "p", 1, "t"), (1, "q", 1, "t"), (1, "p", 2, "t"), (1, "p", 1, "u")]

    assert [Draw(*seed).value for seed in seeds] == [Draw(*seed).value for seed in seeds]
    assert len({Draw(*seed).value for seed in seeds}) == len(seeds)


def test_draws_are_spread_evenly() -> None:
    """Over ten thousand connections a toxicity of 0.3 means three in ten."""
    hit = sum(Draw(1, "p", number, "t").value < 0.3 for number in range(10_000))

    assert 2800 < hit < 3200


@pytest.mark.parametrize(("average", "variation"), [(1, 0), (1, 1), (10, 3), (10, 10), (1000, 999)])
def test_slices_are_of_the_size(average: int, variation: int) -> None:
    """The pieces make up the data, and none is above average size and variation."""
    lane: Any = SimpleNamespace()
    stage = SlicerStage(Slicer(average, variation), lane, Draw(1).random)
    data = bytes(range(256)) * 8
    pieces = list(stage.cut(data))

    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= average + variation
    assert min(map(len, pieces)) >= 1


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        (Slicer(), "average_size must be at least 1, got 0"),
        (Slicer(5, 6), "size_variation must be at most average_size, got 6 > 5"),
        (toxics.Bandwidth(-1), "rate must be at least 0, got -1"),
        (toxics.Latency(0, 2**62), f"jitter must be at most {2**62 - 1}, got {2**62}"),
    ],
)
def test_what_would_crash_toxiproxy_is_refused(attributes: Any, named: str) -> None:
    """With the attribute's name and the value."""
    with pytest.raises(AttributeRefusedError, match=named):
        attributes.check()


def test_a_toxic_can_be_limited_to_so_many_connections() -> None:
    """Those that it has met go on to meet it; one more is left alone."""
    limited = toxics_chain.Toxic("t", "downstream", Direction.DOWNSTREAM, 1.0, Slicer(1), 2)

    assert [limited.takes(number) for number in (1, 2, 3, 1, 2)] == [True, True, False, True, True]
