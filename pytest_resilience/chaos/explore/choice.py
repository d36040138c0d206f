"""Which probes are tried: one of each class, the first of each, or all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from random import Random

from pytest_resilience.chaos.explore.probe import Probe, probes_at
from pytest_resilience.chaos.points.point import FaultPoint


def all_probes(points: Sequence[FaultPoint]) -> tuple[Probe, ...]:
    """Return every fault at every point, in the order of the run."""
    return tuple(probe for point in points for probe in probes_at(point))


def without_growth(points: Sequence[FaultPoint], *, calls: int) -> tuple[FaultPoint, ...]:
    """Return the points of a server without the further connections of a pool.

    How far a pool grows depends on which requests happen to overlap, so that no other run need have them. A server
    that connects for each of its `calls` does have them.
    """
    logins = sum(point.message == "Startup" and point.side == "request" for point in points)
    if logins >= calls:
        return tuple(points)
    return tuple(point for point in points if point.message != "Startup" or point.nth == 1)


def first_of_each_class(probes: Sequence[Probe], *, most: int) -> tuple[Probe, ...]:
    """Return the first probes of each class, at most so many of one, in their order."""
    seen: Counter[tuple[str, ...]] = Counter()
    kept = []
    for probe in probes:
        seen[probe.class_of] += 1
        if seen[probe.class_of] <= most:
            kept.append(probe)
    return tuple(kept)


def spread_over_each_class(probes: Sequence[Probe], *, most: int) -> tuple[Probe, ...]:
    """Return the probes of each class, of one with more than so many those at even distances, first and last with it.

    A statement that is sent a thousand times is not another place in the code each time.
    """
    classes: dict[tuple[str, ...], list[int]] = {}
    for at, probe in enumerate(probes):
        classes.setdefault((probe.name, *probe.point.kind_of_place), []).append(at)
    kept = {at for places in classes.values() for at in _evenly(places, most)}
    return tuple(probe for at, probe in enumerate(probes) if at in kept)


def _evenly(places: Sequence[int], most: int) -> list[int]:
    if len(places) <= most:
        return list(places)
    return [places[round(number * (len(places) - 1) / (most - 1))] for number in range(most)]


def one_of_each_class(
    points: Sequence[FaultPoint], *, seed: int, registries: Collection[str] = ()
) -> tuple[Probe, ...]:
    """Return one probe of each class, in the order of the run; which one follows from the seed.

    The draw of a class does not depend on the others, so that a new point elsewhere leaves it as it is.

    Args:
        points: where faults can go.
        seed: what the draws follow from.
        registries: services that one client library speaks to in dozens of requests: of each the faults that look
            alike to it, and the kills, are one class.
    """
    classes: dict[tuple[str, ...], list[Probe]] = {}
    for probe in all_probes(points):
        name = probe.class_of
        if probe.point.service in registries and probe.name != "hang":
            name = ("kill" if probe.name == "kill" else "fault", probe.point.service, probe.point.message)
        classes.setdefault(name, []).append(probe)
    chosen = [Random("\0".join((str(seed), *name))).choice(probes) for name, probes in classes.items()]
    kept = {(probe.point.service, probe.id) for probe in chosen}
    return tuple(probe for probe in all_probes(points) if (probe.point.service, probe.id) in kept)
