"""What the team of these tests has declared: services and workloads of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.model import (
    AlertsDeclaration,
    Configuration,
    ExactlyOnce,
    ServiceDeclaration,
    WorkloadDeclaration,
)


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """A configuration whose folder holds a runbook, and an empty folder for scenarios."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "database.md").write_text("# Database lost\n", encoding="utf-8")
    return Configuration(
        folder=tmp_path,
        scenarios=tmp_path / "scenarios",
        services={
            "warehouse": ServiceDeclaration(name="warehouse", kind="postgres", component="database"),
            "registry": ServiceDeclaration(name="registry", kind="mlflow", component="registry"),
            "labs": ServiceDeclaration(name="labs", kind="http", component="api"),
            "queue": ServiceDeclaration(name="queue", kind="tcp", component="queue"),
        },
        workloads={
            "ingest": WorkloadDeclaration(
                name="ingest",
                shape="job",
                command=("{python}", "-m", "icu_platform.ingest"),
                uses=("warehouse", "registry", "labs", "queue"),
                exactly_once=(ExactlyOnce(service="warehouse", table="raw.icustays", key=("stay_id",)),),
            ),
            "api": WorkloadDeclaration(
                name="api", shape="server", command=("{python}",), uses=("warehouse", "registry")
            ),
        },
        alerts=AlertsDeclaration(env={"SLACK_WEBHOOK_URL": "{slack}"}),
    )
