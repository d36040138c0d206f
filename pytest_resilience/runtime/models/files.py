"""A model version's files: whether they are there, and the model that is in them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast
from weakref import finalize

from pytest_resilience.errors import FatalError

if TYPE_CHECKING:
    from mlflow import MlflowClient

Calling: TypeAlias = "Callable[[str], AbstractContextManager[MlflowClient]]"
"""Given what is done, a block in which MlflowClient may be called."""


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


def load_model(calling: Calling, tracking_uri: str | None, model_name: str, version: str) -> LoadedModel:
    """Fetch a version's files and load the model in them.

    Raises:
        FatalError: the files are missing, or are no model.
    """
    from mlflow.artifacts import download_artifacts

    name = f"model {model_name!r} version {version}"
    source = _proven_source(calling, tracking_uri, model_name, version)
    folder = mkdtemp(prefix="pytest-resilience-model-")
    try:
        with calling(f"Fetching the files of {name}"):
            files = download_artifacts(artifact_uri=source, dst_path=folder, tracking_uri=tracking_uri)
        model = _model_in(files, name)
    except BaseException:
        rmtree(folder, ignore_errors=True)
        raise
    # A model may go on reading its files, so they live as long as it does.
    finalize(model, rmtree, folder, ignore_errors=True)
    return LoadedModel(version, model, getattr(model, "input_example", None))


def _proven_source(calling: Calling, tracking_uri: str | None, model_name: str, version: str) -> str:
    """Return where a version's files are, proven to be there: the registry says READY without a look."""
    from mlflow.artifacts import list_artifacts

    name = f"model {model_name!r} version {version}"
    with calling(f"Looking for the files of {name}") as client:
        source = client.get_model_version_download_uri(model_name, version)
        found = {Path(file.path).name for file in list_artifacts(source, tracking_uri=tracking_uri)}
    if "MLmodel" not in found:
        raise FatalError(
            f"The files of {name} are missing at {source} (found: {sorted(found) or 'nothing'}), although the "
            "registry lists the version. Restore them from the artifact store's backup, or roll back."
        )
    return source


def _model_in(files: str, name: str) -> Model:
    from mlflow import pyfunc

    try:
        return cast("Model", pyfunc.load_model(files))
    except Exception as error:
        raise FatalError(
            f"The files of {name} are no model that this process can load ({type(error).__name__}). "
            "Are its requirements installed? Else roll back."
        ) from error
