"""Static findings beside runs: where the wire has decided, reading warns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_resilience.checklist.static import EntryPoint, analyse, evidence
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.checklist.weighing import weigh

PROGRAM = """
import requests

def fetch():
    return requests.get("http://labs", timeout=1)

def never_called():
    return requests.post("http://labs", timeout=1)

if __name__ == "__main__":
    fetch()
"""


def seen(*outcomes: Any) -> list[Evidence]:
    """What runs say of item 1."""
    return [
        Evidence(item="external-calls", kind="dynamic", subject="workload w / service labs", outcome=outcome)
        for outcome in outcomes
    ]


def weighed(tmp_path: Path, *outcomes: Any, program: str = PROGRAM) -> dict[str, str]:
    """The outcome of each static finding, by line."""
    (tmp_path / "app.py").write_text(program)
    report = analyse(tmp_path, ["app.py"], [EntryPoint(script="app.py")])
    found = evidence(report, "external-calls")
    return {each.subject: each.outcome for each in weigh(found, seen(*outcomes), report, tmp_path)}


def test_what_runs_have_tried_is_a_warning(tmp_path: Path) -> None:
    """The line is still named."""
    assert weighed(tmp_path, "passed", "passed")["app.py:5"] == "passed"


@pytest.mark.parametrize("outcomes", [(), ("failed",), ("passed", "failed"), ("passed", "unproven")])
def test_what_runs_have_not_decided_stands(tmp_path: Path, outcomes: tuple[str, ...]) -> None:
    """A failure keeps the lines that may explain it."""
    assert weighed(tmp_path, *outcomes)["app.py:5"] == "failed"


def test_code_that_no_workload_reaches_stays_unproven(tmp_path: Path) -> None:
    """Nothing was tried there, whatever passed elsewhere."""
    assert weighed(tmp_path, "passed")["app.py:8"] == "unproven"


@pytest.mark.parametrize("way", ["registry.of_things.never_called()", "helper(never_called)"])
def test_what_may_be_reached_through_an_object_is_not_called_unreached(tmp_path: Path, way: str) -> None:
    """A method of that name is called on something that one cannot know by reading, or it is handed over."""
    program = PROGRAM.replace("    fetch()", f"    fetch()\n    {way}")

    assert weighed(tmp_path, "passed", program=program)["app.py:8"] == "passed"
