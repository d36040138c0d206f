"""What was tried in a test run and what it came to, gathered by the process that reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_resilience.chaos.item_ids import ITEM_IDS
from pytest_resilience.chaos.shell_word import shell_word
from pytest_resilience.plugin.outcome import kept_of

if TYPE_CHECKING:
    from pytest_resilience.checklist.verdict import Evidence

MOST_RUNS = 400
"""Time lines in one report; those of runs that did not pass come first."""


@dataclass(slots=True)
class Ledger:
    """All that the items of a test run have handed over.

    Args:
        named: returns the name of a test as a shell takes it.
        expected: every experiment there is, whether or not it was selected, with its items.
        points: every fault point that there is to exercise.
        told: whether anybody has said what there is.
        done: the experiments that have said something.
        notes: what else the report tells.
        drilled: what drills of runbooks came to.
        alert_classes: of the alerts that were seen.
    """

    named: Callable[[str], str] = shell_word
    expected: dict[str, Sequence[str]] = field(default_factory=dict)
    points: set[str] = field(default_factory=set)
    told: bool = False
    evidence: list[dict[str, Any]] = field(default_factory=list)
    scenarios: list[dict[str, Any]] = field(default_factory=list)
    found: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    exercised: dict[str, bool] = field(default_factory=dict)
    tests: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    drilled: list[dict[str, Any]] = field(default_factory=list)
    alert_classes: set[str] = field(default_factory=set)

    def expect(self, experiments: Mapping[str, Sequence[str]], points: Iterable[str]) -> None:
        """Learn which experiments and fault points there are."""
        self.told = True
        self.expected.update(experiments)
        self.points.update(points)

    def take(self, report: pytest.TestReport) -> None:
        """Take what an item has handed over."""
        facts = kept_of(report)
        # experiments are judged by their items: a waiver may cover one that has failed
        if "experiment" not in facts and (report.when == "call" or report.outcome != "passed"):
            self.tests[report.outcome] += 1
        if "run" in facts:
            self.runs.append(facts["run"])
        if "experiment" in facts:
            self._take_experiment(facts)
        if "scenario" in facts:
            self._take_scenario(facts)
        if "proves" in facts and "scenario" not in facts and report.when == "call":
            self._take_test(facts, report)

    def _take_experiment(self, facts: Mapping[str, Any]) -> None:
        self.done.add(facts["experiment"])
        self.outcomes[facts["outcome"]] += 1
        self.evidence.extend(facts["evidence"])
        self.alert_classes.update(facts.get("alert_classes", ()))
        if "drilled" in facts:
            self.drilled.append(facts["drilled"])
        if facts["found"] is not None:
            self.found.append(facts["found"])
        point = facts["point"]
        if point is not None and facts["outcome"] in {"passed", "failed"}:
            self.exercised[point] = self.exercised.get(point, True) and facts["outcome"] == "passed"

    def _take_scenario(self, facts: Mapping[str, Any]) -> None:
        scenario = facts["scenario"]
        self.scenarios.append(scenario)
        for item in facts["proves"]:
            self.evidence.append(
                {
                    "item": item,
                    "kind": "dynamic",
                    "subject": f"scenario {scenario['id']}",
                    "outcome": scenario["verdict"],
                    "why": scenario["why"] or "",
                    "fix": "Mend the code, or the scenario, and run it again."
                    if scenario["verdict"] != "passed"
                    else "",
                    "replay": scenario["replay"] if scenario["verdict"] != "passed" else "",
                }
            )

    def _take_test(self, facts: Mapping[str, Any], report: pytest.TestReport) -> None:
        passed = report.outcome == "passed"
        unproven = "unproven" in str(report.longrepr)[:2000]
        for item in facts["proves"]:
            self.evidence.append(
                {
                    "item": item,
                    "kind": "dynamic",
                    "subject": f"test {report.nodeid}",
                    "outcome": "passed" if passed else "unproven" if unproven else "failed",
                    "why": "" if passed else _last_words(report),
                    "fix": "" if passed else "Mend the code, or the test, and run it again.",
                    "replay": "" if passed else f"pytest --chaos {self.named(report.nodeid)}",
                }
            )

    def findings(self) -> list[Evidence]:
        """Return the evidence; what was survived at many points of one service is one finding."""
        from pytest_resilience.checklist.verdict import Evidence

        return list(
            _joined(
                [Evidence(**{**each, "warnings": tuple(each.get("warnings", ()))}) for each in self.evidence]
            )
        )

    def left_out(self, why: str, *, early: bool = False) -> dict[str, tuple[str, ...]]:
        """Return by item that some of its experiments have not run.

        Args:
            why: the reason.
            early: the test run has ended before its end, so that no item is whole: tests that prove something may not
                have run either.
        """
        missing = Counter(
            item for name, items in self.expected.items() if name not in self.done for item in items
        )
        whole: dict[str, tuple[str, ...]] = dict.fromkeys(ITEM_IDS, (why,)) if early else {}
        return whole | {
            item: (f"{count} of {self._count(item)} experiments did not run ({why})",)
            for item, count in missing.items()
        }

    def not_run(self) -> dict[str, tuple[str, ...]]:
        """Return by item the experiments that have not run here."""
        missing: dict[str, list[str]] = {}
        for name, items in self.expected.items():
            for item in items if name not in self.done else ():
                missing.setdefault(item, []).append(name)
        return {item: tuple(names) for item, names in missing.items()}

    def telling_runs(self) -> list[dict[str, Any]]:
        """Return the time lines that are worth keeping, those that did not pass first."""
        return sorted(self.runs, key=lambda run: run["verdict"] == "passed")[:MOST_RUNS]

    def _count(self, item: str) -> int:
        return sum(item in items for items in self.expected.values())


def _joined(evidence: list[Evidence]) -> Iterator[Evidence]:
    """Let one finding stand for all that passed, or failed in the same way, with the same to say about the same."""
    passed = Counter(_said(each) for each in evidence if each.outcome == "passed")
    told: set[tuple[object, ...]] = set()
    for each in evidence:
        has_passed = each.outcome == "passed"
        key = _said(each) if has_passed else (*_said(each), each.outcome, each.why)
        if key not in told:
            alike = has_passed and passed[key] > 1
            yield replace(each, why=f"{passed[key]} experiments survived") if alike else each
        told.add(key)


def _said(evidence: Evidence) -> tuple[object, ...]:
    return evidence.item, evidence.kind, evidence.subject, evidence.warnings


def _last_words(report: pytest.TestReport) -> str:
    """Return why a test failed, and where; of what it printed about that, the first line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(report.longrepr if crash is None else crash.message)
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it failed"]
    if crash is None:
        return lines[-1][:300]
    return f"{lines[0][:250]} ({report.location[0]}:{crash.lineno})"
