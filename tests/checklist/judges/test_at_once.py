"""What is under way at the same time, and that waits of several operations are no proof of a mistake."""

from __future__ import annotations

from itertools import chain

import pytest
from seen_runs import clean, episode, exchange, fault, get, run

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.explore.at_once import callers_at_once
from pytest_resilience.checklist.judges.backoff import Trials, judge_waits

JOB = WorkloadDeclaration(name="ingest", shape="job", uses=("labs",))
ONE_BY_ONE = (*exchange(0.5), *exchange(0.6, 2))
SIDE_BY_SIDE = sorted((*exchange(0.5), *exchange(0.503, 2)), key=lambda message: message.at)


@pytest.mark.parametrize(
    ("messages", "most"),
    [((), 0), (ONE_BY_ONE, 1), (SIDE_BY_SIDE, 2), ((get(0.5), *exchange(0.6, 2)), 2)],
)
def test_requests_that_wait_for_their_answers_are_counted(messages, most):
    """The most at any moment."""
    assert callers_at_once(clean(messages), "labs") == most


@pytest.mark.parametrize(
    ("undisturbed", "gaps", "outcome"),
    [
        (ONE_BY_ONE, [4, 2.5, 2.1], "failed"),
        (SIDE_BY_SIDE, [4, 2.5, 2.1], "unproven"),
        (SIDE_BY_SIDE, [1, 2, 4], "passed"),
        (SIDE_BY_SIDE, [], "failed"),
        (ONE_BY_ONE, [1, 2, 4] * 4, "failed"),
        (SIDE_BY_SIDE, [1, 2, 4] * 7, "failed"),
    ],
)
def test_waits_of_several_operations_are_no_proof(undisturbed, gaps, outcome):
    """What cannot be mixed up still fails: one try alone, and more than ten for each of them."""
    seen = run(chain(episode(gaps)), faults=[fault()])
    trials = Trials(fault="reset", clean=clean(undisturbed), pinned=(seen,))
    found = judge_waits(trials, workload=JOB, service="labs").evidence

    assert found.outcome == outcome, found.why
    assert ("one thing at a time" in found.fix) == (outcome == "unproven")
