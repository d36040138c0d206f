"""One deployment of a model at a time, across processes and hosts.

MLflow has no compare-and-set, and one step that only one of two callers can do: to create a registered model. The
lock is a registered model without versions, that lives as long as the deployment.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import ResilienceError
from pytest_resilience.runtime.models.allotted_time import AllottedTime
from pytest_resilience.runtime.models.lock_holder import Holder, this_process
from pytest_resilience.runtime.models.registry import ModelRegistry

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREFIX = "pytest-resilience.lock."
HOLDER = "pytest-resilience.holder"

_log = logging.getLogger("pytest_resilience.deployment")


class DeploymentConflictError(ResilienceError):
    """Say that somebody else is changing who is in charge of a model, or has just done so."""


@dataclass(frozen=True, slots=True)
class DeploymentLock:
    """A lock that is held."""

    registry: ModelRegistry
    model_name: str
    holder: Holder

    def check(self) -> None:
        """Prove that it is still held.

        Raises:
            DeploymentConflictError: it took too long, and somebody else has taken the lock.
        """
        now = _holder_of(self.registry, self.model_name)
        if now is None or now.token != self.holder.token:
            raise DeploymentConflictError(
                f"The lock on model {self.model_name!r} was lost to {_described(now)}, because this "
                "deployment took too long. Nothing further was changed; look at the ledger, then run it again."
            )

    def release(self, time: AllottedTime) -> None:
        """Give it back; if the registry is away it is taken over by whoever comes next."""
        try:
            time.unlocking(
                self.registry.request,
                f"Unlocking model {self.model_name!r}",
                lambda client: _delete_if_held(client, PREFIX + self.model_name, self.holder),
            )
        except ResilienceError as error:
            _log.warning("%s The lock is taken over by the next deployment.", error)


@contextmanager
def deployment_lock(
    registry: ModelRegistry,
    model_name: str,
    *,
    lease: float,
    time: AllottedTime | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Iterator[DeploymentLock]:
    """Hold a model's lock while the block runs.

    A lock whose process is dead is taken over at once on the same host, and after the lease on another.

    Args:
        registry: where the model is.
        model_name: the model.
        lease: seconds after which others may take over.
        time: what getting it and giving it back may take; default: that of the lease.
        clock: the wall clock, which is compared between hosts.

    Raises:
        DeploymentConflictError: somebody else holds it.
        DeadlineExceededError: the time is over.
    """
    time = time or AllottedTime.of(lease)
    with this_process(lease, clock) as mine:
        time.forward(_acquire, registry, model_name, mine, clock)
        lock = DeploymentLock(registry, model_name, mine)
        try:
            yield lock
        finally:
            lock.release(time)


def _acquire(registry: ModelRegistry, model_name: str, mine: Holder, clock: Clock) -> None:
    name = PREFIX + model_name
    for last_try in (False, True):
        if registry.request(f"Locking model {model_name!r}", lambda client: _create(client, name, mine)):
            return
        holder = _holder_of(registry, model_name)
        if holder is not None and (last_try or not holder.is_gone(clock.time())):
            raise DeploymentConflictError(
                f"Model {model_name!r} is being deployed by {_described(holder)}. "
                "Wait until that has ended, then look at what is in charge before you deploy again."
            )
        if holder is not None:
            _take_away(registry, model_name, holder)
    raise DeploymentConflictError(
        f"Model {model_name!r} is being deployed by somebody else. Try again later."
    )


def _create(client: MlflowClient, name: str, mine: Holder) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, tags={HOLDER: json.dumps(asdict(mine))})
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        # Perhaps by an earlier try of ours, whose reply was lost.
        holder = _read(client, name)
        return holder is not None and holder.token == mine.token
    return True


def _take_away(registry: ModelRegistry, model_name: str, holder: Holder) -> None:
    """Remove the lock of a holder that is gone; of two that try, the renaming lets one succeed."""
    name, aside = PREFIX + model_name, f"{PREFIX}{model_name}.{uuid4().hex}"

    def take(client: MlflowClient) -> None:
        if not _unless_missing(lambda: client.rename_registered_model(name, aside)):
            return
        taken = _read(client, aside)
        if taken is not None and taken.token != holder.token:
            client.rename_registered_model(aside, name)  # a living one, taken since we looked
        else:
            client.delete_registered_model(aside)

    registry.request(f"Removing the lock of a dead deployment from model {model_name!r}", take)


def _delete_if_held(client: MlflowClient, name: str, mine: Holder) -> None:
    holder = _read(client, name)
    if holder is not None and holder.token == mine.token:
        _unless_missing(lambda: client.delete_registered_model(name))


def _holder_of(registry: ModelRegistry, model_name: str) -> Holder | None:
    return registry.request(
        f"Looking who deploys model {model_name!r}", lambda client: _read(client, PREFIX + model_name)
    )


def _read(client: MlflowClient, name: str) -> Holder | None:
    found: list[Any] = []
    if not _unless_missing(lambda: found.append(client.get_registered_model(name))):
        return None
    return Holder(**json.loads(found[0].tags[HOLDER]))


def _unless_missing(func: Any) -> bool:
    """Call; return False where what it is about does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        func()
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}:
            raise
        return False
    return True


def _described(holder: Holder | None) -> str:
    return f"process {holder.process} on {holder.host}" if holder else "somebody else"
