"""What the tests' team has declared: services and workloads of every kind."""

from __future__ import annotations

from pathlib import Path

from pytest_resilience.chaos.configuration.model import (
    Configuration,
    ExactlyOnce,
    ServiceDeclaration,
    WorkloadDeclaration,
)


def declared(folder: Path) -> Configuration:
    """Return a configuration whose folder holds a runbook."""
    (folder / "runbooks").mkdir(exist_ok=True)
    (folder / "runbooks" / "database.md").write_text("# Database lost\n", encoding="utf-8")
    return Configuration(
        folder=folder,
        scenarios=folder / "scenarios",
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
                uses=("warehouse",),
                exactly_once=(ExactlyOnce(service="warehouse", table="raw.icustays", key=("stay_id",)),),
            ),
            "api": WorkloadDeclaration(name="api", shape="server", command=("{python}",), uses=("registry",)),
        },
    )
