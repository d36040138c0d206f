"""What a test that uses the fixtures looks like to a type checker; checked by mypy, never run."""

from __future__ import annotations

from typing import assert_type

from pytest_resilience.chaos.fault import Fault
from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.receipt import Receipt


def use(postgres: PostgresHandle, mlflow_server: HttpHandle) -> None:
    """Every fault is a `Fault`, every address a text."""
    assert_type(postgres.dsn, str)
    assert_type(postgres.direct_dsn, str)
    assert_type(mlflow_server.url, str)
    assert_type(postgres.down(), Fault)
    assert_type(postgres.latency(0.3, jitter="100ms", stream="upstream", toxicity=0.5), Fault)
    assert_type(postgres.at("COMMIT", side="reply", nth=2, times=None).cut(), Fault)
    assert_type(postgres.at(sql=r"insert", connection=1).error("40001", severity="FATAL"), Fault)
    assert_type(mlflow_server.at("GET /health").respond(429, headers={"Retry-After": "2"}), Fault)
    with postgres.at(rows=100, table="raw.t").down(duration="2s") as fault:
        fault.heal()
    assert_type(fault.fired, bool)
    assert_type(fault.receipts, tuple[Receipt, ...])
