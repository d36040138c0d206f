"""A finding as a scenario file, which is handed out only after it has been seen to be red."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pytest_resilience.chaos.explore.exploration import Finding
from pytest_resilience.chaos.explore.found import found_scenario
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.laboratory.scenario_trial import try_scenario
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.scenario.writing import LONGEST_SLUG, slug, write_scenario
from pytest_resilience.checklist.experiments.experiment import Found

DIGEST = 8
"""Characters that tell apart the files of titles too long for a name."""


def found_file(
    laboratory: Laboratory, workload: str, orders: Sequence[FaultOrder], title: str, finding: Finding
) -> Found | None:
    """Replay a finding as a scenario; return its file, or none where that is not red.

    Args:
        laboratory: where runs are made.
        workload: its name.
        orders: the faults.
        title: the file's first line.
        finding: what went wrong.

    Raises:
        HarnessError: something of ours did not work.
    """
    scenario = found_scenario(laboratory.clean(workload), orders, title, finding)
    tried = try_scenario(laboratory, scenario, replay="")
    if tried.verdict.word != "failed":
        return None
    why = "; ".join(finding.wrongs)
    return Found(slug=_name(title), text=write_scenario(scenario, comment=why), why=why)


def _name(title: str) -> str:
    """Return a file's name; where a title is too long for one, with a digest of all of it."""
    name = slug(title)
    if len(name) + DIGEST < LONGEST_SLUG:
        return name
    digest = hashlib.sha256(title.encode()).hexdigest()[:DIGEST]
    return f"{name[: LONGEST_SLUG - DIGEST - 1].rstrip('-')}-{digest}"
