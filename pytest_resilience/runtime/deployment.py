"""Deploy a model version, and restore the one before it when the new one does not pass (policy §4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, TypeVar

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience.runtime.models.allotted_time import AllottedTime
from pytest_resilience.runtime.models.change_of_charge import Changed, ChangeOfCharge, Status
from pytest_resilience.runtime.models.deployment_lock import DeploymentConflictError, deployment_lock
from pytest_resilience.runtime.models.health import LATENCY_LIMIT, GoldenRequest, require_terms
from pytest_resilience.runtime.models.health_check import run_model_health_check
from pytest_resilience.runtime.models.ledger import Ledger, LedgerEntry
from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.rules import Rule, model_auroc

Version = TypeVar("Version", int, str)

LEASE = 600.0
"""Seconds after which another host takes over the lock of a deployment that says nothing more."""
DEADLINE = LEASE
"""Seconds that a deployment or a rollback may take in all: for so long nobody takes its lock away."""
AUROC = "auroc"
"""The metric of a version's run that the rule about AUROC is applied to."""


class DeploymentResult(TypedDict):
    """How a deployment, or a rollback, ended.

    `status` is `success`; `rolled_back`, when the version before is proven to be in charge again (or none, if there
    was none); `conflict`, when somebody else deploys the same model; or `unknown`, when the registry went away,
    or the deadline passed, before that could be proven: run the same again. The ledger then ends with `begun`.
    """

    status: Status
    version: int | str
    error: str | None
    previous_version: int | str | None
    scheme: str | None


def deploy_model_with_rollback(  # noqa: PLR0913 - each is one dial with a default
    model_name: str,
    new_version: Version,
    *,
    sample: Any = None,
    golden: Sequence[GoldenRequest] = (),
    latency_limit: float = LATENCY_LIMIT,
    auroc: Rule | None = model_auroc,
    scheme: str = "auto",
    tracking_uri: str | None = None,
    registry: ModelRegistry | None = None,
    who: str | None = None,
    why: str | None = None,
    deadline: float = DEADLINE,
) -> DeploymentResult:
    """Put a version in charge of a model if it is healthy, else restore the one before (policy §4).

    Run it again after it was killed, or with status `unknown`: it ends with the old or the new version in charge.

    Args:
        model_name: the registered model.
        new_version: the version to deploy.
        sample: what the health check predicts; default: the input example that was logged with the model.
        golden: requests whose right answers are known.
        latency_limit: seconds that one prediction may take.
        auroc: the rule for the metric `auroc` of the version's run, where it logged one; None for no rule.
        scheme: `aliases`, `stages`, or `auto`: stages where a version is in one and there is no `champion`.
        tracking_uri: the MLflow server; default: `MLFLOW_TRACKING_URI`.
        registry: the server, as an object, instead of `tracking_uri`.
        who: for the ledger; default: this user on this host.
        why: for the ledger.
        deadline: seconds for all of it. The last third, but at most 30 s, is kept to restore the version before and
            to give the lock back; when that does not suffice either, the status is `unknown`.

    Raises:
        ResilienceError: the model is not registered, or the registry is away until the deadline; nothing was changed.
        TypeError, ValueError: an argument makes no sense; nothing was changed.
    """
    version = _checked(new_version)
    golden = tuple(golden)  # it is gone through several times
    require_terms(latency_limit=latency_limit, golden=golden)
    where = registry or ModelRegistry(tracking_uri)

    def check(candidate: str) -> None:
        _check_auroc(where, model_name, candidate, auroc)
        run_model_health_check(
            model_name,
            candidate,
            sample=sample,
            golden=golden,
            latency_limit=latency_limit,
            registry=where,
        )

    def change(under: ChangeOfCharge) -> Changed:
        return under.deploy(version)

    terms = _Terms(check, AllottedTime.of(deadline), scheme, who, why)
    return _changed(where, model_name, new_version, change, terms)


def rollback_model(
    model_name: str,
    *,
    sample: Any = None,
    scheme: str = "auto",
    tracking_uri: str | None = None,
    registry: ModelRegistry | None = None,
    who: str | None = None,
    why: str | None = None,
    deadline: float = DEADLINE,
) -> DeploymentResult:
    """Put in charge again the version that was before the one in charge, by the ledger.

    Args:
        model_name: the registered model.
        sample: what the health check predicts; default: the input example that was logged with the model.
        scheme: as of `deploy_model_with_rollback`.
        tracking_uri: the MLflow server; default: `MLFLOW_TRACKING_URI`.
        registry: the server, as an object, instead of `tracking_uri`.
        who: for the ledger; default: this user on this host.
        why: for the ledger.
        deadline: seconds for all of it, shared out as there.

    Returns:
        `success` with the version that is in charge now, and `previous_version`, the one that no longer is.

    Raises:
        FatalError: no earlier version is known.
        ResilienceError: the registry is away; nothing was changed.
    """
    where = registry or ModelRegistry(tracking_uri)

    def check(candidate: str) -> None:
        run_model_health_check(model_name, candidate, sample=sample, registry=where)

    terms = _Terms(check, AllottedTime.of(deadline), scheme, who, why)
    return _changed(where, model_name, "", ChangeOfCharge.roll_back, terms)


def deployment_ledger(
    model_name: str,
    *,
    tracking_uri: str | None = None,
    registry: ModelRegistry | None = None,
    deadline: float = DEADLINE,
) -> tuple[LedgerEntry, ...]:
    """Return every change of charge of a model, oldest first; one that was begun and not ended has no other entry.

    Args:
        model_name: the registered model.
        tracking_uri: the MLflow server; default: `MLFLOW_TRACKING_URI`.
        registry: the server, as an object, instead of `tracking_uri`.
        deadline: seconds that it may take.

    Raises:
        ResilienceError: the model is not registered, or the registry is away.
    """
    where = registry or ModelRegistry(tracking_uri)
    time = Deadline(deadline, operation=f"Reading the ledger of model {model_name!r}")
    return Ledger.of(time.call(where.standing, model_name).tags).entries


@dataclass(frozen=True, slots=True)
class _Terms:
    """What the changes of charge have in common."""

    check: Callable[[str], None]
    time: AllottedTime
    scheme: str
    who: str | None
    why: str | None


def _changed(
    registry: ModelRegistry,
    model_name: str,
    asked: int | str,
    change: Callable[[ChangeOfCharge], Changed],
    terms: _Terms,
) -> DeploymentResult:
    time = terms.time
    time.forward(registry.standing, model_name)  # a model that is not registered is no reason to make a lock
    try:
        with deployment_lock(registry, model_name, lease=max(LEASE, time.limit), time=time) as lock:
            done = change(
                ChangeOfCharge(
                    registry, lock, model_name, terms.scheme, terms.check, time, terms.why, terms.who
                )
            )
    except DeploymentConflictError as error:
        return DeploymentResult(
            status="conflict", version=asked, error=str(error), previous_version=None, scheme=None
        )
    return DeploymentResult(
        status=done.status,
        version=_like(asked, done.version),
        error=done.error,
        previous_version=None if done.previous is None else _like(asked, done.previous),
        scheme=done.scheme,
    )


def _checked(version: int | str) -> str:
    text = str(version)
    if isinstance(version, bool) or not text.isdecimal() or int(text) < 1:
        raise ValueError(f"new_version must be a version number from 1, not {version!r}")
    return str(int(text))


def _like(asked: int | str, version: str) -> int | str:
    return int(version) if isinstance(asked, int) else version


def _check_auroc(registry: ModelRegistry, model_name: str, version: str, rule: Rule | None) -> None:
    if rule is None:
        return
    value = registry.metric(model_name, version, AUROC)
    if value is None:
        return
    place = f"model {model_name!r} version {version}"
    try:
        rule(value, where=place)
    except ValueError as error:
        raise FatalError(f"{place}: its metric {AUROC!r} is no AUROC: {error}. {rule.advice}") from error
