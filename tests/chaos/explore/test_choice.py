"""Which faults are tried at which points."""

from __future__ import annotations

from typing import Any

from pytest_resilience.chaos.explore.choice import (
    all_probes,
    first_of_each_class,
    one_of_each_class,
    spread_over_each_class,
    without_growth,
)
from pytest_resilience.chaos.points.point import FaultPoint


def point(message: str, nth: int, side: Any = "request", **more: Any) -> FaultPoint:
    """A point of a database."""
    facts: dict[str, Any] = {"service": "warehouse", "protocol": "postgres", "transaction": "T"} | more
    return FaultPoint(message=message, nth=nth, side=side, **facts)


POINTS = [point("INSERT", nth, shape="insert into t values (?)") for nth in range(1, 51)]
COMMITS = [point("COMMIT", nth, side) for nth in (1, 2) for side in ("request", "reply")]


def test_all_probes_are_every_fault_at_every_point() -> None:
    """In the order of the run."""
    probes = [probe.id for probe in all_probes(COMMITS[:2])]

    assert probes == [
        "COMMIT-1-request-cut",
        "COMMIT-1-request-reset",
        "COMMIT-1-request-error",
        "COMMIT-1-request-hang",
        "COMMIT-1-request-kill",
        "COMMIT-1-reply-lost-reply",
        "COMMIT-1-reply-hang",
        "COMMIT-1-reply-kill",
    ]


def test_a_sample_has_one_probe_of_each_class() -> None:
    """And leaves none out."""
    sample = one_of_each_class([*POINTS, *COMMITS], seed=1)

    assert len({probe.class_of for probe in sample}) == len(sample)
    assert {probe.class_of for probe in sample} == {
        probe.class_of for probe in all_probes([*POINTS, *COMMITS])
    }


def test_of_a_registry_one_fault_and_one_kill_of_each_request_are_tried() -> None:
    """Its client asks for dozens of things, and takes whatever breaks off for the same."""
    http: dict[str, Any] = {"service": "models", "protocol": "http", "transaction": None}
    asked = [
        point(f"GET /{what}", nth, side, **http)
        for what in ("runs", "models")
        for nth in (1, 2)
        for side in ("request", "reply")
    ]
    sample = one_of_each_class([*asked, *COMMITS], seed=1, registries=["models"])
    tried = [
        (probe.point.message, probe.name == "kill") for probe in sample if probe.point.service == "models"
    ]

    assert sorted(set(tried)) == [
        (f"GET /{what}", kill) for what in ("models", "runs") for kill in (False, True)
    ]
    assert len(tried) <= 6  # and two hangs, of requests and of replies
    assert len([probe for probe in sample if probe.point.service == "warehouse"]) == len(
        one_of_each_class(COMMITS, seed=1)
    )


def test_further_connections_of_a_pool_are_no_points() -> None:
    """A second one of ten calls may be missing in the next run; a connection for each call is not."""
    logins = [point("Startup", nth, side) for nth in (1, 2, 3) for side in ("request", "reply")]

    assert without_growth([*logins, *COMMITS], calls=10) == (*logins[:2], *COMMITS)
    assert without_growth([*logins, *COMMITS], calls=3) == (*logins, *COMMITS)


def test_the_first_of_each_class_are_kept_in_their_order() -> None:
    """Fifty INSERTs are two, a single COMMIT stays."""
    probes = all_probes([*POINTS, COMMITS[0]])
    first = first_of_each_class(probes, most=2)

    assert {(probe.point.message, probe.point.nth) for probe in first} == {
        ("INSERT", 1),
        ("INSERT", 2),
        ("COMMIT", 1),
    }
    assert {probe.class_of for probe in first} == {probe.class_of for probe in probes}


def test_what_is_repeated_often_is_tried_at_even_distances() -> None:
    """Fifty INSERTs are five, the first and the last with them; what there is less of stays whole."""
    probes = all_probes([*POINTS, *COMMITS])
    spread = spread_over_each_class(probes, most=5)

    assert {probe.point.nth for probe in spread if probe.point.message == "INSERT"} == {1, 13, 25, 38, 50}
    assert tuple(probe for probe in spread if probe.point.message == "COMMIT") == all_probes(COMMITS)
    assert {probe.class_of for probe in spread} == {probe.class_of for probe in probes}
    assert spread_over_each_class(probes, most=50) == probes


def test_a_sample_follows_from_its_seed() -> None:
    """The same seed takes the same points, another one others."""
    samples = [one_of_each_class(POINTS, seed=seed) for seed in (1, 1, 2)]

    assert samples[0] == samples[1]
    assert samples[0] != samples[2]


def test_a_new_point_elsewhere_changes_nothing_here() -> None:
    """The draw of a class does not depend on the others."""
    alone = one_of_each_class(POINTS, seed=1)
    beside = one_of_each_class([*COMMITS, *POINTS], seed=1)

    assert {probe.id for probe in alone if probe.name != "hang"} <= {probe.id for probe in beside}


def test_two_services_may_have_points_of_the_same_name() -> None:
    """Each service has its own sample."""
    twin = point("INSERT", 1, service="archive", shape="insert into t values (?)")
    sample = one_of_each_class([*POINTS, twin], seed=1)

    assert {probe.point.service for probe in sample} == {"warehouse", "archive"}
    assert sum(probe.point.service == "warehouse" for probe in sample) == 5
