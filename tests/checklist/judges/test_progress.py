"""A batch that asks for the same thing twice: each time is an operation, unless a layer above begins again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from seen_runs import clean, episode, exchange, fault, run

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.checklist.judges.backoff import Trials, judge_waits
from pytest_resilience.checklist.records.attempts import attempts
from pytest_resilience.checklist.records.progress import Progress, progress

JOB = WorkloadDeclaration(name="ingest", shape="job", uses=("labs",))
WAITS = (0.002, 1.1, 2.1)
"""As of a client that tries for the second time at once."""
PAUSE = 1.5
"""Between two operations: no less than a wait, so that it tells nothing."""


def asked(order, *, lost="", gaps=WAITS, mark=""):
    """Return the messages of requests for one thing after the other; those for the lost one are tried and given up."""
    messages, at = [], 0.5
    for number, name in enumerate(order):
        first = 10 * number + 1
        own = episode(gaps, began=at, first=first) if name == lost else exchange(at, first)
        messages += [
            replace(message, target=f"{name} {mark}") if message.side == "request" else message
            for message in own
        ]
        at = messages[-1].at + PAUSE
    return messages


def waits_of(order, *, undisturbed, lost="b", gaps=WAITS):
    """Judge the waits of a run that asks so."""
    trials = Trials(
        fault="reset",
        clean=clean(asked(undisturbed, mark="another run")),
        pinned=(run(asked(order, lost=lost, gaps=gaps), faults=[fault()]),),
    )
    return judge_waits(trials, workload=JOB, service="labs").evidence


@pytest.mark.parametrize("order", ["abcdab", "abcdabc", "abcab", "bcdb", "abcdabcdab"])
def test_the_next_operation_that_asks_for_the_same_is_another(order):
    """Rows that look the same reference up; without the order its waits would shrink."""
    found = waits_of(order, undisturbed=order + "e")

    assert found.outcome == "passed", found.why


def test_its_waits_are_judged_each():
    """Constant waits stay a mistake."""
    assert "do not grow" in waits_of("abcdab", undisturbed="abcdab", gaps=(1, 1, 1)).why


@pytest.mark.parametrize(
    ("order", "undisturbed"),
    [("ababab", "abcd"), ("ababab", "ababab"), ("cabcabcab", "cabcabcab")],
)
def test_a_layer_above_that_begins_again_is_none(order, undisturbed):
    """It asks again for what led to the failure; where the undisturbed run does so too, nobody can say."""
    why = waits_of(order, undisturbed=undisturbed).why

    assert "layers that retry multiply" in why


def test_what_is_asked_for_with_the_time_in_it_stays_one_operation():
    """Nothing is asked for twice, so the order says nothing of what is tried again."""
    tried = [replace(each, target=f"at {each.began}") for each in attempts(run(asked("b", lost="b")), "labs")]

    assert Progress((("GET /items/{}", 0), ("GET /items/{}", 1))).turns(tried[:2]) is None


def test_without_marks_nothing_is_known():
    """As from real Toxiproxy."""
    messages = [replace(message, target=None) for message in asked("ab", lost="b")]

    assert progress(clean(messages), "labs") == Progress()
    assert progress(clean(asked("ab")), "labs").turns(attempts(run(messages), "labs")) is None
