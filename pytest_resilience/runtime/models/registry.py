"""The model registry as serving sees it: which version is in charge, its files, the model in them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Protocol, cast
from weakref import finalize

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.models.mlflow_border import calling_mlflow, load_mlflow, server_address

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
PREVIOUS = "previous"
PRODUCTION = "Production"
ARCHIVED = "Archived"


class Model(Protocol):
    """What serving needs of a loaded model."""

    def predict(self, data: Any) -> Any:
        """Return one prediction a row."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory.

    Args:
        version: its version in the registry.
        model: what predicts.
        sample: the input example that was logged with it, or None.
    """

    version: str
    model: Model
    sample: Any = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is who among a model's versions.

    Args:
        aliases: alias to version.
        stages: stage to its newest version, where stages are used.
    """

    aliases: Mapping[str, str]
    stages: Mapping[str, str]

    @property
    def champion(self) -> str | None:
        """The version in charge: the alias where there is one, else the Production stage."""
        return self.aliases.get(CHAMPION) or self.stages.get(PRODUCTION)

    @property
    def previous(self) -> str | None:
        """The version that was in charge before, as the registry itself remembers it."""
        return self.aliases.get(PREVIOUS) or self.stages.get(ARCHIVED)


class ModelRegistry:
    """Ask one MLflow server; every error comes out as one of ours, with MLflow's as its cause.

    To make one imports MLflow, which takes seconds the first time, so that no request pays for it.

    Args:
        tracking_uri: the server; default: what MLflow itself would take (`MLFLOW_TRACKING_URI`).
        timeout: seconds for one request to connect, and to stay silent; MLflow takes whole seconds.
    """

    def __init__(self, tracking_uri: str | None = None, *, timeout: float = 10.0) -> None:
        if timeout <= 0:
            raise ValueError(f"timeout must be above 0 seconds, not {timeout}")
        load_mlflow()
        self._tracking_uri = tracking_uri
        self._timeout = timeout

    @property
    def address(self) -> str:
        """The address in use."""
        return server_address(self._tracking_uri)

    def calling(self, what: str) -> AbstractContextManager[MlflowClient]:
        """Give a block the MLflow client; see `calling_mlflow`."""
        return calling_mlflow(what, self._tracking_uri, timeout=self._timeout)

    def standing(self, model_name: str) -> Standing:
        """Return which versions hold which alias and stage, in one request."""
        with self.calling(f"Looking up model {model_name!r}") as client:
            model = client.get_registered_model(model_name)
            return Standing(
                aliases={alias: str(version) for alias, version in model.aliases.items()},
                stages={found.current_stage: str(found.version) for found in model.latest_versions},
            )

    def champion(self, model_name: str) -> str:
        """Return the version in charge.

        Raises:
            FatalError: there is none.
        """
        version = self.standing(model_name).champion
        if version is None:
            raise FatalError(
                f"Model {model_name!r} at {self.address} has neither the alias {CHAMPION!r} nor a version in "
                f"stage {PRODUCTION!r}. Deploy one: deploy_model_with_rollback({model_name!r}, version)."
            )
        return version

    def load(self, model_name: str, version: str) -> LoadedModel:
        """Fetch a version's files and load it.

        Raises:
            FatalError: its files are missing, or are no model.
        """
        from mlflow.artifacts import download_artifacts

        source = self._source(model_name, version)
        folder = mkdtemp(prefix="pytest-resilience-model-")
        try:
            with self.calling(f"Fetching the files of {_named(model_name, version)}"):
                files = download_artifacts(
                    artifact_uri=source, dst_path=folder, tracking_uri=self._tracking_uri
                )
            model = _load_files(files, _named(model_name, version))
        except BaseException:
            rmtree(folder, ignore_errors=True)
            raise
        # A model may go on reading its files, so they live as long as it does.
        finalize(model, rmtree, folder, ignore_errors=True)
        return LoadedModel(version, model, getattr(model, "input_example", None))

    def _source(self, model_name: str, version: str) -> str:
        """Return where a version's files are, proven to be there: the registry says READY without a look."""
        from mlflow.artifacts import list_artifacts

        with self.calling(f"Looking for the files of {_named(model_name, version)}") as client:
            source = client.get_model_version_download_uri(model_name, version)
            names = {Path(file.path).name for file in list_artifacts(source, tracking_uri=self._tracking_uri)}
        if "MLmodel" not in names:
            raise FatalError(
                f"The files of {_named(model_name, version)} are missing at {source} (found: "
                f"{sorted(names) or 'nothing'}), although the registry lists the version. "
                "Restore them from the artifact store's backup, or roll back."
            )
        return source


def _named(model_name: str, version: str) -> str:
    return f"model {model_name!r} version {version}"


def _load_files(files: str, name: str) -> Model:
    from mlflow import pyfunc

    try:
        return cast("Model", pyfunc.load_model(files))
    except Exception as error:
        raise FatalError(
            f"The files of {name} are no model that this process can load ({type(error).__name__}). "
            "Are its requirements installed? Else roll back."
        ) from error
