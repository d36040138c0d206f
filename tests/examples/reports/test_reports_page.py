"""The programs of docs/reports.md run, and its files are what the tools take."""

import os
import re
import runpy
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pytest_resilience.__main__ import COMMANDS
from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.checklist.waivers import read_waivers
from pytest_resilience.report.judged import judged
from pytest_resilience.report.publish import publish

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
COMMIT = "8f14e45fceea167a5a36dedd4bea2543c8a1b2f0"


@pytest.fixture
def report(tmp_path, monkeypatch):
    """A report of just now, in the folder that the page names; item 2 is unproven."""
    found = [
        Evidence(item=item.id, kind="dynamic", subject="workload ingest", outcome="passed")
        for item in ITEMS
        if item.id != "backoff"
    ]
    now = datetime.now(UTC)
    made = judged(found, today=now.date(), started=now.isoformat(), seed=0, commit=COMMIT, dirty=False)
    monkeypatch.chdir(tmp_path)
    publish(made, tmp_path / "resilience-report", environment={})
    return made


def test_a_report_can_be_read(report):
    """By any program."""
    to_do = runpy.run_path(str(HERE / "read_report.py"))["to_do"]

    assert {item: why for item, (why, _) in to_do.items()} == {
        "backoff": "no experiment has said anything about it"
    }


def test_the_waiver_is_one():
    """In the days before it expires."""
    (waiver,) = read_waivers(HERE / "waivers.toml", today=date(2026, 9, 15))

    assert (waiver.item, waiver.expires) == ("breakers", date(2026, 11, 30))


@pytest.mark.parametrize("passed", [True, False])
def test_a_deploy_goes_on_only_where_the_gate_passed(report, tmp_path, passed):
    """The script stops at a refusal."""
    if passed:
        backoff = Evidence(item="backoff", kind="dynamic", subject="workload ingest", outcome="passed")
        evidence = [*(each for verdict in report.items for each in verdict.evidence), backoff]
        facts = {"started": report.started, "seed": 0, "commit": COMMIT, "dirty": False}
        whole = judged(evidence, today=datetime.now(UTC).date(), **facts)
        publish(replace(whole, notes=()), tmp_path / "resilience-report", environment={})
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COMMIT": COMMIT, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["/bin/sh", str(HERE / "before_deploy.sh")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, f"deploying {COMMIT}" in done.stdout) == ((0, True) if passed else (1, False))
    assert ("failed: backoff" in done.stderr) is not passed


@pytest.mark.parametrize("name", ["gate.yml", "shards.yml"])
def test_workflows_name_what_there_is(name):
    """Valid YAML, commands that exist, files that are written."""
    workflow = YAML(typ="safe").load(HERE / name)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    commands = re.findall(
        r"python -m pytest_resilience (\w+)", " ".join(step.get("run", "") for step in steps)
    )

    assert set(commands) <= {command.name for command in COMMANDS}
    assert any("pytest --chaos --checklist" in step.get("run", "") for step in steps)
