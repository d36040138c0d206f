"""What a real Toxiproxy would do wrong runs on our engine; everything else runs where the user wants it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_resilience.chaos.network_kinds import NETWORK_KINDS, network_kind
from pytest_resilience.chaos.toxiproxy_limits import beyond_toxiproxy

PLAIN: dict[str, dict[str, Any]] = {
    "latency": {"delay": 0.3, "jitter": 0.1},
    "bandwidth": {"rate": 10_000},
    "slow_close": {"delay": 1},
    "timeout": {"after": 0},
    "slicer": {"size": 64, "variation": 32},
    "limit_data": {"bytes": 10},
}


def toxic(kind: str, toxicity: float = 1.0, **attributes: Any) -> dict[str, Any]:
    """Return the toxic as a handle makes it."""
    return as_told(kind, toxicity, **network_kind(kind).toxic_attributes(attributes))


def as_told(kind: str, toxicity: float = 1.0, **attributes: Any) -> dict[str, Any]:
    """Return the toxic with these attributes of its own, also where a handle refuses them."""
    return {"type": kind, "stream": "downstream", "toxicity": toxicity, "attributes": attributes}


@pytest.mark.parametrize("kind", PLAIN)
def test_plain_toxics_run_on_toxiproxy(kind: str) -> None:
    """With ordinary settings a real Toxiproxy carries them."""
    assert not beyond_toxiproxy(toxic(kind, **PLAIN[kind]))


def test_every_kind_is_considered() -> None:
    """The list above is complete, but for what it never carries."""
    assert {kind.name for kind in NETWORK_KINDS} - set(PLAIN) == {"down", "reset_peer"}


@pytest.mark.parametrize(
    "beyond",
    [
        toxic("reset_peer"),
        toxic("reset_peer", after=1),
        toxic("bandwidth", rate=999),
        toxic("bandwidth", rate=1_500),
        toxic("bandwidth", rate=0),
        toxic("latency", toxicity=0.5, delay=1),
        toxic("timeout", toxicity=0, after=1),
        toxic("latency", delay=1, jitter=3_000_000),
        as_told("slicer", average_size=0, size_variation=0),
        toxic("slicer", size=10, variation=10),
        as_told("slicer", average_size=10, size_variation=20),
    ],
    ids=str,
)
def test_what_it_cannot_do_runs_on_ours(beyond: dict[str, Any]) -> None:
    """A real RST, exact rates, seeded draws, and what would make it crash or hang."""
    assert beyond_toxiproxy(beyond)
