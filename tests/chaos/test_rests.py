"""How long a server that is sent nothing more is given to do what it put off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.service import Service

SERVER: Any = WorkloadDeclaration(name="api", shape="server", uses=("labs",), deadline=10.0)


def serving(scale: float, *, rests: bool) -> tuple[Service, dict[str, float]]:
    """Return a server that has nothing to do with any other part, and its clock's hand."""
    hand = {"now": 100.0}
    some: Any = SimpleNamespace(
        calls=[], scale=scale, now=lambda: hand["now"], healed_at=None, recovered_at=None
    )
    plan = Plan(workload=SERVER, rests=lambda _: rests, rests_within=30.0)
    return (
        Service(plan, some, (), some, some, some, heal=list, alerts=int, messages=list, owes=bool),
        hand,
    )


@pytest.mark.parametrize(("scale", "until"), [(1.0, 30.0), (10.0, 300.0), (0.5, 30.0)])
def test_it_has_its_seconds_by_its_own_clock_and_by_the_machines(scale, until) -> None:
    """A lease that a database keeps is as long with a `time_scale`, and so is a wait outside Python."""
    service, hand = serving(scale, rests=False)

    assert not service.rests()
    hand["now"] += until
    assert not service.rests()
    hand["now"] += 0.1
    assert service.rests()


def test_it_goes_as_soon_as_it_is_done() -> None:
    """Nobody waits for the whole time but where something is missing."""
    assert serving(10.0, rests=True)[0].rests()
