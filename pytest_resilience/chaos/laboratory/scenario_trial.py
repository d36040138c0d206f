"""A scenario tried: one run of its workload, and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judges import judge
from pytest_resilience.chaos.expectations.text import render
from pytest_resilience.chaos.expectations.verdict import ScenarioVerdict, verdict_of
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedScenario:
    """What a scenario came to.

    Args:
        scenario: what was promised.
        record: what was seen.
        verdict: what is said of it.
        text: all of it for people.
    """

    scenario: Scenario
    record: RunRecord
    verdict: ScenarioVerdict
    text: str


def try_scenario(laboratory: Laboratory, scenario: Scenario, *, replay: str) -> TriedScenario:
    """Run a scenario once.

    Args:
        laboratory: where runs are made.
        scenario: what is promised.
        replay: the command that runs exactly this again.

    Raises:
        HarnessError: something of ours did not work.
    """
    clean = laboratory.clean(scenario.workload)
    expect = scenario.expect
    plan = laboratory.plan(
        scenario.workload,
        scenario.faults,
        steady_state=scenario.steady_state,
        answers=expect.http,
        recovers_within=expect.recovery_bound,
    )
    with laboratory.trial(laboratory.masked(plan, clean), scenario.title) as trial:
        context = Context(
            look=trial.look,
            workload=plan.workload,
            folder=laboratory.configuration.folder,
            keys=clean.keys,
            keys_before=clean.keys_before,
            rules=() if (alerts := laboratory.configuration.alerts) is None else alerts.rules,
        )
        judgements = judge(expect, trial.record, context)
        verdict = verdict_of(scenario, trial.record, clean.record, judgements)
        if clean.why_not is not None and verdict.word != "unproven":
            why = f"the clean run of the workload did not work: {clean.why_not}"
            verdict = ScenarioVerdict(word="unproven", why=why, judgements=judgements)
        logs = {who: view.last_lines() for who, view in trial.sandbox.logs.items()}
    text = render(verdict, scenario, trial.record, replay=replay, service_logs=logs)
    return TriedScenario(scenario=scenario, record=trial.record, verdict=verdict, text=text)
