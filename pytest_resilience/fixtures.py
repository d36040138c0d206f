"""The types of the fixtures, for annotations: with them an editor completes every fault and every address.

Nothing here is made by hand: the fixtures `postgres`, `mlflow_server`, `http_service`, `service`, `workload`, `chaos`,
`alert_inbox`, `error_log`, `virtual_clock` and `resilience` hand these out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pytest_resilience.chaos.fault import Fault
from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.mlflow_handle import MlflowHandle
from pytest_resilience.chaos.point import HttpPoint, PostgresPoint
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.tcp_handle import TcpHandle
from pytest_resilience.plugin.chaos_control import ChaosControl
from pytest_resilience.plugin.resilience_control import Resilience
from pytest_resilience.plugin.workload_control import WorkloadControl
from pytest_resilience.services.alert_inbox import AlertInbox
from pytest_resilience.testing import EventLog, FakeClock

ServiceByName: TypeAlias = Callable[[str], Any]
"""`service("labs")` is a `PostgresHandle`, `MlflowHandle`, `HttpHandle` or `TcpHandle`, by its declared kind."""

WorkloadByName: TypeAlias = Callable[[str], WorkloadControl]
"""`workload("ingest")` is a `WorkloadControl`."""

ErrorLog: TypeAlias = list[Mapping[str, Any]]
"""`error_log`: the records, parsed."""

__all__ = (
    "AlertInbox",
    "ChaosControl",
    "ErrorLog",
    "EventLog",
    "FakeClock",
    "Fault",
    "HttpHandle",
    "HttpPoint",
    "MlflowHandle",
    "PostgresHandle",
    "PostgresPoint",
    "Receipt",
    "Resilience",
    "ServiceByName",
    "TcpHandle",
    "WorkloadByName",
    "WorkloadControl",
)
