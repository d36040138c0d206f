"""Which probes are tried: one of each class, or all."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pytest_resilience.chaos.explore.probe import Probe, probes_at
from pytest_resilience.chaos.points.point import FaultPoint


def all_probes(points: Sequence[FaultPoint]) -> tuple[Probe, ...]:
    """Return every fault at every point, in the order of the run."""
    return tuple(probe for point in points for probe in probes_at(point))


def one_of_each_class(points: Sequence[FaultPoint], *, seed: int) -> tuple[Probe, ...]:
    """Return one probe of each class, in the order of the run; which one follows from the seed.

    The draw of a class does not depend on the others, so that a new point elsewhere leaves it as it is.
    """
    classes: dict[tuple[str, ...], list[Probe]] = {}
    for probe in all_probes(points):
        classes.setdefault(probe.class_of, []).append(probe)
    chosen = [Random("\0".join((str(seed), *name))).choice(probes) for name, probes in classes.items()]
    kept = {(probe.point.service, probe.id) for probe in chosen}
    return tuple(probe for probe in all_probes(points) if (probe.point.service, probe.id) in kept)
