"""What a test that uses the fixtures looks like to a type checker; checked by mypy, never run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_type

from pytest_resilience.events import AttemptFailed
from pytest_resilience.fixtures import (
    AlertInbox,
    ChaosControl,
    ErrorLog,
    Fault,
    HttpHandle,
    HttpPoint,
    MlflowHandle,
    PostgresHandle,
    PostgresPoint,
    Receipt,
    Resilience,
    ServiceByName,
    TcpHandle,
    WorkloadByName,
)


def use(postgres: PostgresHandle, mlflow_server: MlflowHandle, http_service: HttpHandle) -> None:
    """Every fault is a `Fault`, every address a text."""
    assert_type(postgres.dsn, str)
    assert_type(postgres.direct_dsn, str)
    assert_type(mlflow_server.url, str)
    assert_type(mlflow_server.tracking_uri, str)
    assert_type(postgres.down(), Fault)
    assert_type(postgres.latency(0.3, jitter="100ms", stream="upstream", toxicity=0.5), Fault)
    assert_type(postgres.at("COMMIT"), PostgresPoint)
    assert_type(http_service.at("GET /health"), HttpPoint)
    assert_type(postgres.at("COMMIT", side="reply", nth=2, times=None).cut(), Fault)
    assert_type(postgres.at(sql=r"insert", connection=1).error("40001", severity="FATAL"), Fault)
    assert_type(mlflow_server.at("GET /health").respond(429, headers={"Retry-After": "2"}), Fault)
    with postgres.at(rows=100, table="raw.t").down(duration="2s") as fault:
        fault.heal()
    assert_type(fault.fired, bool)
    assert_type(fault.receipts, tuple[Receipt, ...])


def use_by_name(service: ServiceByName, chaos: ChaosControl, workload: WorkloadByName) -> None:
    """What is asked for by a name; the handle's type is said where it is taken."""
    vitals: TcpHandle = service("vitals")
    assert_type(vitals.direct_port, int)
    assert_type(chaos.inject("warehouse", "latency", delay=0.3), Fault)
    assert_type(chaos.seed, int)
    job = workload("ingest")
    assert_type(job.wait(30), int)
    assert_type(job.exit_code, int | None)
    assert_type(job.logs, Sequence[Mapping[str, Any]])


def look_on(alert_inbox: AlertInbox, error_log: ErrorLog, resilience: Resilience) -> None:
    """What was told, and the time that took none."""
    assert_type(alert_inbox.pagerduty[0].at, float)
    assert_type(error_log[0]["severity"], Any)
    resilience.clock.advance(60)
    assert_type(resilience.clock.sleeps, list[float])
    assert_type(resilience.events.of(AttemptFailed)[0].attempt, int)
