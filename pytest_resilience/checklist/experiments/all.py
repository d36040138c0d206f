"""All experiments of the checklist that are not single faults at fault points, in the order of the items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.checklist.experiments.alerts_of_outages import alerts_of_outages
from pytest_resilience.checklist.experiments.backoff import growing_waits
from pytest_resilience.checklist.experiments.breakers import opening_breakers
from pytest_resilience.checklist.experiments.checkpoints import kills
from pytest_resilience.checklist.experiments.drills import drills_of_runbooks
from pytest_resilience.checklist.experiments.experiment import Experiment
from pytest_resilience.checklist.experiments.external_calls import failing_services
from pytest_resilience.checklist.experiments.rollback import rollbacks
from pytest_resilience.checklist.experiments.transactions import databases

Makes: TypeAlias = Callable[[Laboratory], Iterator[Experiment]]

MAKERS: tuple[tuple[str, Makes], ...] = (
    ("external-calls", failing_services),
    ("backoff", growing_waits),
    ("transactions", databases),
    ("checkpoints", kills),
    ("alerts", alerts_of_outages),
    ("rollback", rollbacks),
    ("breakers", opening_breakers),
    ("runbooks", drills_of_runbooks),
)
"""By item, what makes its experiments from the declared workloads."""


def experiments_of_items(laboratory: Laboratory) -> Iterator[tuple[str, Experiment]]:
    """Yield each experiment with its item."""
    for item, make in MAKERS:
        for experiment in make(laboratory):
            yield item, experiment
