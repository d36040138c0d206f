"""What to set in the usual client of a kind of service, where that is what a workload is red for."""

from __future__ import annotations

import re
from dataclasses import replace

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.checklist.judges import mlflow_client, postgres_client
from pytest_resilience.checklist.verdict import Evidence

_CLIENTS: dict[ServiceKind, tuple[str, tuple[tuple[str, str], ...]]] = {
    "mlflow": (mlflow_client.WHOSE, mlflow_client.ADVICE),
    "postgres": (postgres_client.WHOSE, postgres_client.ADVICE),
}


def advised(evidence: Evidence, kind: ServiceKind) -> Evidence:
    """Return evidence about a service with what to set in its client, where that is known and helps.

    Args:
        evidence: about one service.
        kind: what the service speaks.
    """
    if kind not in _CLIENTS or evidence.outcome != "failed":
        return evidence
    whose, advice = _CLIENTS[kind]
    found = next((text for reason, text in advice if re.search(reason, evidence.why)), None)
    if found is None:
        return evidence
    return replace(evidence, fix=f"{evidence.fix.removesuffix('.')}. Of {whose}: {found}")
