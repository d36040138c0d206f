"""Which faults a service is tried with: those of all its requests, and of some requests alone."""

from __future__ import annotations

import pytest

from pytest_resilience.chaos.configuration.model import ServiceKind, WorkloadDeclaration
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.points.recording import Recording
from pytest_resilience.chaos.run.exposure import Exposure
from pytest_resilience.chaos.run.record import CallRecord, RunRecord
from pytest_resilience.checklist.experiments.exposed import has_alerted, has_alerted_soon
from pytest_resilience.checklist.experiments.service_faults import service_faults

MLFLOW = "/api/2.0/mlflow"
ASKED = (
    f"GET {MLFLOW}/experiments/get-by-name",
    f"POST {MLFLOW}/runs/create",
    f"POST {MLFLOW}/runs/log-batch",
    f"POST {MLFLOW}/runs/search",
    f"POST {MLFLOW}/model-versions/create",
    f"GET {MLFLOW}/model-versions/get",
    f"POST {MLFLOW}/registered-models/alias",
    f"PATCH {MLFLOW}/registered-models/update",
)


def alone(kind: ServiceKind) -> list[str]:
    """Return the requests that are broken alone of a job that asks for all these, each twice."""
    points = tuple(
        FaultPoint(service="models", protocol="http", side="request", message=message, nth=nth)
        for nth in (1, 2)
        for message in ASKED
    )
    job = WorkloadDeclaration(name="train", shape="job", uses=("models",))
    clean = CleanRun(
        workload=job,
        record=RunRecord(workload="train"),
        recording=Recording(workload="train", points=points),
    )
    faults = list(service_faults(clean, "models", kind))
    assert len({fault.name for fault in faults}) == len(faults)
    return [fault.title for fault in faults if fault.title.startswith("status 500 to ")]


@pytest.mark.parametrize(
    ("kind", "expected"), [("http", ASKED[1:5]), ("mlflow", (*ASKED[1:3], *ASKED[4:5], *ASKED[6:]))]
)
def test_requests_behind_the_first_are_broken_alone(kind, expected) -> None:
    """Of a web service the next four; of a registry the last four that change something."""
    assert alone(kind) == [f"status 500 to {message}" for message in expected][-4:]


@pytest.mark.parametrize(
    ("now", "soon", "late"), [(9.0, False, False), (20.0, True, False), (70.0, True, True)]
)
def test_an_alert_of_an_outage_is_waited_for_as_long_as_it_may_take(now, soon, late) -> None:
    """Retries may outlive ten seconds; where no alert is asked for nobody waits longer."""
    calls = [CallRecord(number=n, began=2.0 + n / 10, ended=3.0, outcome="503") for n in range(5)]
    seen = Exposure(
        struck_at=1.0,
        now=now,
        calls=calls,
        alerts=0,
        limit=30.0,
        scale=1.0,
        messages=lambda: (),
        faults=lambda: (),
    )

    assert (has_alerted_soon(seen), has_alerted(seen)) == (soon, late)
