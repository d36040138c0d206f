"""Bring a model's serving back: reload, else roll back, else predict by rule (policy §6)."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.errors import FatalError, HealthCheckFailed, ResilienceError, Severity
from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience.runtime.deployment import DEADLINE, deployment_ledger, rollback_model
from pytest_resilience.runtime.forks import renew_in_child
from pytest_resilience.runtime.models.fallback import FALLBACKS, Rule
from pytest_resilience.runtime.models.ledger import LedgerEntry
from pytest_resilience.runtime.models.server import ModelServer

AUTOMATIC = "serving recovery"
"""Who rolled back, in the ledger, where nobody did."""
FLAP_LIMIT = 2
FLAP_WINDOW = 3600.0
"""So many automatic rollbacks of a model within so many seconds are enough; then a person has to look."""

_log = logging.getLogger("pytest_resilience.models")
_lock = Lock()
renew_in_child(sys.modules[__name__], _lock=Lock)
_servers: dict[str, ModelServer] = {}


def model_server(model_name: str) -> ModelServer:
    """Return this process's server of a model, made on first use with the defaults of `ModelServer`."""
    if not model_name:
        raise ValueError(f"model_name must name a model, not {model_name!r}")
    with _lock:
        server = _servers.get(model_name)
        if server is None:
            server = _servers[model_name] = ModelServer(model_name)
        return server


def recover_model_serving(
    model_name: str, *, server: ModelServer | None = None, deadline: float = DEADLINE
) -> bool:
    """Bring a model back: reload it, else roll back to the version before it, else fall back.

    The version before comes from what the registry was told at deployments, never from the order of its list.

    Args:
        model_name: the registered model.
        server: the server to recover; default: the process's own, `model_server(model_name)`.
        deadline: seconds that reloading and rolling back may take together; after that the rule answers.

    Returns:
        True exactly when a model answers again. False when the fallback rule answers in its place or, where
        there is none, nothing does; which of the two is logged.
    """
    server = server or model_server(model_name)
    time = Deadline(deadline, operation=f"Reloading model {model_name!r}")
    try:
        version = time.call(server.reload)
    except (FatalError, HealthCheckFailed) as error:
        return _roll_back(server, error, time.remaining()) or _fall_back(server, error)
    except ResilienceError as error:
        # The registry is away, which says nothing against the version in charge.
        return server.answers() or _fall_back(server, error)
    _log.info("serving recovered", extra={"model": model_name, "version": version, "outcome": "done"})
    return True


def enable_fallback_predictions(
    model_name: str | None = None, *, rule: Rule | None = None
) -> tuple[str, ...]:
    """Predict by rule instead of by model, marked as degraded, until the model is back (policy §6).

    Args:
        model_name: the model; without it, every model for which this process has a rule.
        rule: the rule for that model from now on; without it, the one it has.

    Returns:
        The names of the models whose rule is switched on by this call.

    Raises:
        FatalError: there is no rule.
    """
    if model_name is None:
        if rule is not None:
            raise FatalError("A fallback rule belongs to one model: pass model_name together with rule.")
        return FALLBACKS.enable_all()
    if rule is not None:
        FALLBACKS.register(model_name, rule)
    FALLBACKS.enable(model_name)
    return (model_name,)


def _roll_back(server: ModelServer, cause: ResilienceError, left: float) -> bool:
    """Roll back within the seconds that are left; return whether the earlier version answers."""
    time = Deadline(max(0.0, left), operation=f"Rolling back model {server.model_name!r}")
    try:
        version = time.call(_earlier_version, server, cause)
    except ResilienceError as error:
        _report(server, error, "rolling back failed")
        return False
    if version is None:
        outcome = f"rolled back {FLAP_LIMIT} times within the hour: a person is needed"
        _report(server, cause, outcome, Severity.CRITICAL)
        return False
    _report(server, cause, f"rolled back to version {version}")
    return True


def _earlier_version(server: ModelServer, cause: ResilienceError) -> int | str | None:
    """Put the earlier version in charge, load it, and return it; None where that was done too often already."""
    name = server.model_name
    if _flaps(deployment_ledger(name, registry=server.registry)):
        return None
    done = rollback_model(name, registry=server.registry, who=AUTOMATIC, why=str(cause))
    if done["status"] != "success":
        raise HealthCheckFailed(f"Version {done['version']} is no way out: {done['error']}")
    server.reload()
    return done["version"]


def _flaps(entries: Sequence[LedgerEntry]) -> bool:
    """Return whether automatic rollbacks did not help lately, so that one more would not either."""
    since = datetime.fromtimestamp(SYSTEM_CLOCK.time() - FLAP_WINDOW, UTC)
    lately = [
        entry
        for entry in entries
        if entry.who == AUTOMATIC and entry.outcome == "success" and datetime.fromisoformat(entry.at) > since
    ]
    return len(lately) >= FLAP_LIMIT


def _fall_back(server: ModelServer, cause: ResilienceError) -> bool:
    if server.fallbacks.has_rule(server.model_name):
        server.fallbacks.enable(server.model_name)
        _report(server, cause, "predicting by rule")
    else:
        outcome = "no model and no fallback rule, nothing answers: a person is needed"
        _report(server, cause, outcome, Severity.CRITICAL)
    return False


def _report(server: ModelServer, error: ResilienceError, outcome: str, severity: str = Severity.HIGH) -> None:
    context = {
        "operation": "recover_model_serving",
        "outcome": outcome,
        "resource": server.model_name,
        "component": "ml_model",
    }
    server.errors.log_error(error, context, severity)
