"""Which probes are tried: one of each class, the first of each, or all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from pytest_resilience.chaos.explore.probe import Probe, probes_at
from pytest_resilience.chaos.points.point import FaultPoint


def all_probes(points: Sequence[FaultPoint]) -> tuple[Probe, ...]:
    """Return every fault at every point, in the order of the run."""
    return tuple(probe for point in points for probe in probes_at(point))


def first_of_each_class(probes: Sequence[Probe], *, most: int) -> tuple[Probe, ...]:
    """Return the first probes of each class, at most so many of one, in their order."""
    seen: Counter[tuple[str, ...]] = Counter()
    kept = []
    for probe in probes:
        seen[probe.class_of] += 1
        if seen[probe.class_of] <= most:
            kept.append(probe)
    return tuple(kept)


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
