"""The model registry: which version is in charge, its files, the model in them, and changes of charge."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.deadline import remaining_time, require_time
from pytest_resilience.runtime.models.files import LoadedModel, load_model
from pytest_resilience.runtime.models.mlflow_border import (
    calling_mlflow,
    load_mlflow,
    server_address,
    without_warnings,
)
from pytest_resilience.runtime.models.standing import CHAMPION, PRODUCTION, Standing
from pytest_resilience.runtime.retry import retry_with_exponential_backoff

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

_LEAST_TIMEOUT = 0.001
"""Seconds; that of a deadline which passes between two looks at it."""


class ModelRegistry:
    """Ask one MLflow server; every error comes out as one of ours, with MLflow's as its cause.

    To make one imports MLflow, which takes seconds the first time, so that no request pays for it.

    Args:
        tracking_uri: the server; default: what MLflow itself would take (`MLFLOW_TRACKING_URI`).
        timeout: seconds for one request to connect, and to stay silent; MLflow takes whole seconds.
        base_delay: seconds before the first of three retries in `request`; they double.
    """

    def __init__(
        self, tracking_uri: str | None = None, *, timeout: float = 5.0, base_delay: float = 0.5
    ) -> None:
        if timeout <= 0:
            raise ValueError(f"timeout must be above 0 seconds, not {timeout}")
        load_mlflow()
        self._tracking_uri = tracking_uri
        self._timeout = timeout
        self._base_delay = base_delay

    @property
    def address(self) -> str:
        """The address in use."""
        return server_address(self._tracking_uri)

    def calling(self, what: str) -> AbstractContextManager[MlflowClient]:
        """Give a block the MLflow client, for as long as the deadline around it leaves; see `calling_mlflow`.

        Raises:
            DeadlineExceededError: it leaves nothing.
        """
        require_time()
        left = remaining_time()
        timeout = self._timeout if left is None else min(self._timeout, max(left, _LEAST_TIMEOUT))
        return calling_mlflow(what, self._tracking_uri, timeout=timeout)

    def request(self, what: str, func: Callable[[MlflowClient], T]) -> T:
        """Call MLflow, and again where that may help.

        Args:
            what: the operation, as messages begin.
            func: asks, or sets something to a given value; either can be repeated without harm.
        """

        def attempt() -> T:
            with self.calling(what) as client:
                return func(client)

        return retry_with_exponential_backoff(attempt, base_delay=self._base_delay, operation=what)

    def standing(self, model_name: str) -> Standing:
        """Return which versions hold which alias and stage, and the model's tags."""
        return self.request(
            f"Looking up model {model_name!r}",
            lambda client: Standing.of(client.get_registered_model(model_name)),
        )

    def champion(self, model_name: str) -> str:
        """Return the version in charge, in one try.

        Raises:
            FatalError: there is none.
        """
        with self.calling(f"Looking up model {model_name!r}") as client:
            version = Standing.of(client.get_registered_model(model_name)).champion
        if version is None:
            raise FatalError(
                f"Model {model_name!r} at {self.address} has neither the alias {CHAMPION!r} nor a version in "
                f"stage {PRODUCTION!r}. Deploy one: deploy_model_with_rollback({model_name!r}, version)."
            )
        return version

    def set_alias(self, model_name: str, alias: str, version: str | None) -> None:
        """Let an alias stand for a version, or for none."""
        what = f"Setting alias {alias!r} of model {model_name!r} to {version}"
        if version is None:
            self.request(what, lambda client: client.delete_registered_model_alias(model_name, alias))
        else:
            self.request(what, lambda client: client.set_registered_model_alias(model_name, alias, version))

    def set_stage(self, model_name: str, version: str, stage: str) -> None:
        """Move a version to a stage, whatever else is there."""
        with without_warnings():  # stages are deprecated and still in use; we support both on purpose
            self.request(
                f"Moving {_named(model_name, version)} to stage {stage}",
                lambda client: client.transition_model_version_stage(model_name, version, stage),
            )

    def set_tag(self, model_name: str, key: str, value: str) -> None:
        """Set one of a model's tags."""
        what = f"Noting {key!r} on model {model_name!r}"
        self.request(what, lambda client: client.set_registered_model_tag(model_name, key, value))

    def versions(self, model_name: str, stage: str) -> list[str]:
        """Return the versions in a stage."""
        found = self.request(
            f"Looking for versions of model {model_name!r} in stage {stage}",
            lambda client: list(client.search_model_versions(f"name = '{model_name}'")),
        )
        return [str(version.version) for version in found if version.current_stage == stage]

    def has(self, model_name: str, version: str) -> bool:
        """Return whether a version is there, and was not deleted."""
        from mlflow.exceptions import MlflowException

        def ask(client: MlflowClient) -> bool:
            try:
                client.get_model_version(model_name, version)
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return False
                raise
            return True

        return self.request(f"Looking up {_named(model_name, version)}", ask)

    def metric(self, model_name: str, version: str, name: str) -> float | None:
        """Return a metric of the run that a version came from; None where it was not logged."""

        def ask(client: MlflowClient) -> float | None:
            run_id = client.get_model_version(model_name, version).run_id
            return client.get_run(run_id).data.metrics.get(name) if run_id else None

        return self.request(f"Reading metric {name!r} of {_named(model_name, version)}", ask)

    def load(self, model_name: str, version: str) -> LoadedModel:
        """Fetch a version's files and load the model in them, in one try.

        Raises:
            FatalError: the files are missing, or are no model.
        """
        return load_model(self.calling, self._tracking_uri, model_name, version)


def _named(model_name: str, version: str) -> str:
    return f"model {model_name!r} version {version}"
