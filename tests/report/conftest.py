"""A report with every verdict, a run with everything on its time line, and names that try to break out."""

from __future__ import annotations

from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.record import (
    AlertRecord,
    CallRecord,
    CheckRecord,
    FaultRecord,
    LogLine,
    Message,
    ProcessRecord,
    RunRecord,
)
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.checklist.waivers import Waiver
from pytest_resilience.report.judged import judged
from pytest_resilience.report.model import Coverage, FaultLine, Fired, Found, ScenarioVerdict
from pytest_resilience.report.timeline import timeline

TODAY = date(2026, 3, 1)
COMMIT = "8f14e45fceea167a5a36dedd4bea2543c8a1b2f0"
HOSTILE = "</script><img src=x onerror=\"console.error('broke out')\">&amp;<!--"


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium, where one is installed."""
    module = _beside("browser")
    if module.COMMAND is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with module.chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def _beside(name):
    """Import a module that stands beside this file."""
    spec = spec_from_file_location(f"report_{name}", Path(__file__).with_name(f"{name}.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def record() -> RunRecord:
    """A run: requests struck by a fault and tried again, a breaker that opens, a log line, an alert."""
    messages = [
        Message(at=0.05 + n * 0.01, service="labs", connection=1, side=side, message=text, shape=None)
        for n, (side, text) in enumerate([("request", "GET /labs/{}"), ("reply", "200 OK")] * 5)
    ]
    for n, at in enumerate((1.0, 1.2, 1.6, 2.4)):
        messages += [
            Message(
                at=at, service="labs", connection=2 + n, side="request", message="POST /predict", fault="f1"
            ),
            Message(
                at=at + 0.02,
                service="labs",
                connection=2 + n,
                side="reply",
                message="503 Service Unavailable",
            ),
        ]
    messages += [
        Message(at=6.0, service="labs", connection=9, side="request", message="POST /predict"),
        Message(at=6.02, service="labs", connection=9, side="reply", message="200 OK"),
        Message(at=0.3, service="warehouse", connection=1, side="request", message="BEGIN"),
        Message(
            at=0.4,
            service="warehouse",
            connection=1,
            side="request",
            message="INSERT",
            shape="insert into raw.icustays values (?, ?)",
            count=200,
        ),
        Message(at=0.5, service="warehouse", connection=1, side="request", message="COMMIT", fault="f2"),
    ]
    calls = [CallRecord(number=1, began=1.0, ended=2.5, outcome="raised", error=("labs.LabsError",))]
    calls += [
        CallRecord(
            number=n + 2,
            began=2.6 + n * 0.3,
            ended=2.61 + n * 0.3,
            outcome="raised",
            error=("CircuitBreakerOpenError",),
            message="patient Jane Roe",
        )
        for n in range(8)
    ]
    calls += [CallRecord(number=10, began=6.0, ended=6.03, outcome="ok")]
    order = FaultOrder(on="labs", when=When(start=True), kind="respond")
    return RunRecord(
        workload="score",
        processes=(
            ProcessRecord(began=0.0, ended=3.0, exit_code=137, killed=True, stderr="Jane Roe"),
            ProcessRecord(began=3.2, ended=7.0, exit_code=1),
        ),
        calls=tuple(calls),
        messages=tuple(sorted(messages, key=lambda message: message.at)),
        faults=(
            FaultRecord(
                order=order,
                injected_at=0.9,
                healed_at=5.5,
                receipts=(
                    Receipt(at=1.0, service="labs", kind="respond", connection=2, message="POST /predict"),
                    Receipt(at=1.2, service="labs", kind="respond", connection=3, message="POST /predict"),
                ),
            ),
            FaultRecord(
                order=FaultOrder(on="warehouse", when=When(message="COMMIT"), kind="cut"),
                receipts=(Receipt(at=0.5, service="warehouse", kind="cut", connection=1, message="COMMIT"),),
            ),
        ),
        logs=(
            LogLine(
                at=2.5,
                text="Jane Roe",
                record={"level": "ERROR", "event_type": "call_failed", "m": "Jane Roe"},
            ),
            LogLine(at=2.6, text="fine", record={"level": "INFO"}),
            LogLine(at=2.7, text="no record"),
        ),
        alerts=(
            AlertRecord(
                at=3.5,
                channel="pagerduty",
                body={
                    "event_action": "trigger",
                    "payload": {"severity": "critical", "component": "api", "summary": "Jane Roe"},
                },
            ),
            AlertRecord(at=3.6, channel="slack", body={"text": "Jane Roe"}, rejected="no text block"),
        ),
        before=(CheckRecord(check="GET /health", held=True),),
        after=(CheckRecord(check="select count(*)", held=False, seen="Jane Roe"),),
        recovered_at=6.5,
        duration=7.0,
        real_duration=0.7,
        time_scale=10.0,
        notes=("waits ran 10 times faster",),
    )


@pytest.fixture(scope="session")
def findings() -> list[Evidence]:
    """Each item with evidence of its own kind."""
    found = [
        Evidence(
            item=item.id,
            kind="document" if item.id == "runbooks" else "dynamic",
            subject=f"workload ingest / service {'labs' if item.number % 2 else 'warehouse'}",
            outcome="passed",
        )
        for item in ITEMS
        if item.id not in {"backoff", "checkpoints", "alerts", "breakers"}
    ]
    return [
        *found,
        Evidence(
            item="backoff",
            kind="dynamic",
            subject="workload ingest / service labs",
            outcome="failed",
            why="The waits before attempts 2 to 5 were 1.0, 2.0, 3.0 and 4.0 s: they grow linearly.",
            fix="Double the wait after each attempt, up to a cap, and draw it at random.",
            replay="pytest --chaos 'resilience::backoff::ingest::labs' --chaos-seed=7",
        ),
        Evidence(
            item="backoff",
            kind="static",
            subject="icu_platform/labs.py:41",
            outcome="failed",
            why="time.sleep(attempt) in a loop: a linear wait, 50% of all cases.",
            fix="Use an exponential wait.",
        ),
        Evidence(
            item="backoff",
            kind="dynamic",
            subject="workload score / service labs",
            outcome="passed",
            warnings=("no jitter was seen",),
        ),
        Evidence(
            item="checkpoints",
            kind="dynamic",
            subject="workload ingest",
            outcome="not-applicable",
            why="It is one transaction.",
        ),
        Evidence(
            item="alerts",
            kind="dynamic",
            subject=HOSTILE,
            outcome="unproven",
            why=HOSTILE,
            fix=HOSTILE,
            replay=f"pytest '{HOSTILE}'",
        ),
        Evidence(
            item="breakers",
            kind="dynamic",
            subject="workload score / service labs",
            outcome="failed",
            why="50 of 50 requests were sent while the service was down.",
            fix="Put a breaker around the calls.",
            replay="pytest resilience::breakers::score::labs",
        ),
    ]


@pytest.fixture(scope="session")
def facts(record):
    """The other facts of the report."""
    return {
        "started": "2026-03-01T09:30:00+00:00",
        "seed": 7,
        "engines": {"postgres": "embedded 18.6", "mlflow": "embedded 3.1"},
        "coverage": Coverage(points=312, exercised=312, survived=309),
        "scenarios": (
            ScenarioVerdict(
                id="db/lost.yaml",
                verdict="passed",
                replay="pytest scenarios/db/lost.yaml",
                faults=(
                    FaultLine(
                        on="warehouse", kind="cut", fired=(Fired(at=1.234, connection=3, message="COMMIT"),)
                    ),
                ),
            ),
            ScenarioVerdict(
                id="labs/slow.yaml",
                verdict="unproven",
                why="the fault never fired",
                replay="pytest scenarios/labs/slow.yaml",
                faults=(FaultLine(on="labs", kind="latency"),),
            ),
        ),
        "found": (
            Found(file="found/lost-commit-reply.yaml", why="rows doubled", replay="pytest scenarios/found"),
        ),
        "runs": (
            timeline(
                record,
                id="resilience::breakers::score::labs",
                title="labs answers 503 for a while",
                items=("breakers",),
                verdict="failed",
                why="requests went on",
                replay="pytest x",
            ),
            timeline(record, id=HOSTILE, title=HOSTILE, verdict="passed"),
        ),
        "duration": 48.2,
        "commit": COMMIT,
        "dirty": False,
        "time_scale": 10.0,
        "versions": {"pytest-resilience": "0.1.0", "python": "3.11.9"},
        "configuration": "sha256:" + "ab" * 32,
        "waivers": (
            Waiver(
                item="breakers",
                reason="next release",
                owner="ana",
                approver="ben",
                expires=date(2026, 4, 1),
                place="resilience-waivers.toml:3",
            ),
            Waiver(item="messages", reason="old", owner="ana", approver="ben", expires=date(2026, 4, 1)),
        ),
        "left_out": {"rollback": ("-k left out 2 of 9 experiments",)},
        "tests": {"passed": 40, "failed": 3},
        "notes": ("macOS: sockets were not looked at",),
    }


@pytest.fixture(scope="session")
def report(findings, facts):
    """A report in which every verdict occurs, and the gate fails."""
    return judged(findings, today=TODAY, **facts)


@pytest.fixture(scope="session")
def green(facts):
    """A report whose gate is passed."""
    found = [
        Evidence(item=item.id, kind="dynamic", subject="workload ingest", outcome="passed") for item in ITEMS
    ]
    scenarios = tuple(each for each in facts["scenarios"] if each.verdict == "passed")
    more = {"waivers": (), "left_out": {}, "tests": {"passed": 40}, "scenarios": scenarios, "found": ()}
    return judged(found, today=TODAY, **{**facts, **more})
