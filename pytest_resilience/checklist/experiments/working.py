"""The workloads that work undisturbed: on the others nothing can be tried."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.errors import HarnessError


def working(laboratory: Laboratory) -> Iterator[CleanRun]:
    """Yield the clean run of each workload that worked; why another did not, its stand-in says."""
    for name in laboratory.configuration.workloads:
        try:
            clean = laboratory.clean(name)
        except HarnessError:
            continue
        if clean.why_not is None:
            yield clean
