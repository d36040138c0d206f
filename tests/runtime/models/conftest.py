"""A real MLflow server with real models, for the tests of deployment and serving."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.sandbox import Sandbox
from pytest_resilience.runtime.models.mlflow_border import load_mlflow, without_warnings

_session = uuid4().hex[:8]
_names = count(1)


@pytest.fixture(scope="session")
def mlflow_url(pool) -> str:
    """A real MLflow server's address: one that `RESILIENCE_MLFLOW_URL` names, on PostgreSQL say, or our own."""
    return os.environ.get("RESILIENCE_MLFLOW_URL") or pool.mlflow().url


@pytest.fixture
def mlflow_server(pool, request) -> Iterator[HttpHandle]:
    """The same server behind a fault proxy."""
    sandbox = Sandbox(pool, request.node.name)
    yield sandbox.mlflow()
    sandbox.close()


@pytest.fixture
def tracking(mlflow_url, monkeypatch) -> str:
    """The server, as the address that MLflow and the runtime take by default."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_url)
    return mlflow_url


@pytest.fixture
def client(tracking):
    """MLflow's own client of the server."""
    load_mlflow()
    from mlflow import MlflowClient

    return MlflowClient(tracking)


@pytest.fixture
def model_name() -> str:
    """A name that no other test uses."""
    return f"model-{_session}-{next(_names)}"


@pytest.fixture
def register(client, model_name, tmp_path) -> Callable[..., str]:
    """Register a version that answers a given number for each row; return the version."""

    def register(answer: float = 1.0, *, sample: bool = True) -> str:
        source, run_id = _uploaded(client, tmp_path, answer, sample=sample)
        return _version(client, model_name, source, run_id)

    return register


@pytest.fixture(scope="session")
def _shared_files() -> dict[str, tuple[str, str]]:
    """Where the files of each answer are, uploaded once."""
    return {}


@pytest.fixture
def register_at(client, tmp_path, _shared_files) -> Callable[..., str]:
    """Register a version of any model, with files that are shared by all versions of the same answer."""

    def register_at(name: str, answer: float = 1.0) -> str:
        key = repr(answer)
        if key not in _shared_files:
            _shared_files[key] = _uploaded(client, tmp_path, answer, sample=True)
        return _version(client, name, *_shared_files[key])

    return register_at


@pytest.fixture
def register_quickly(register_at, model_name) -> Callable[..., str]:
    """Register a version of this test's model in that way."""
    return lambda answer=1.0: register_at(model_name, answer)


def _uploaded(client, folder: Path, answer: float, *, sample: bool) -> tuple[str, str]:
    run = client.create_run("0")
    files = _save_model(folder / run.info.run_id, answer, sample=sample)
    client.log_artifacts(run.info.run_id, str(files), "model")
    return f"{run.info.artifact_uri}/model", run.info.run_id


def _version(client, model_name: str, source: str, run_id: str) -> str:
    if not client.search_registered_models(f"name = '{model_name}'"):
        client.create_registered_model(model_name)
    return str(client.create_model_version(model_name, source, run_id, await_creation_for=0).version)


def _save_model(folder: Path, answer: float, *, sample: bool) -> Path:
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.sklearn import save_model
    from mlflow.types import ColSpec, Schema
    from sklearn.dummy import DummyRegressor

    rows = pd.DataFrame({"age": [30.0, 70.0]})
    model = DummyRegressor(strategy="constant", constant=0.0).fit(rows, [0.0, 0.0])
    model.constant_[:] = answer
    signature = ModelSignature(Schema([ColSpec("double", "age")]), Schema([ColSpec("double")]))
    with without_warnings():
        save_model(
            model,
            str(folder),
            signature=signature,
            input_example=rows if sample else None,
            pip_requirements=["scikit-learn"],
        )
    return folder


@pytest.fixture
def drop_files(client, model_name, mlflow_url) -> Callable[[str], None]:
    """Remove a version's files and leave its entry in the registry, READY."""

    def drop_files(version: str) -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        source = client.get_model_version_download_uri(model_name, version)
        get_artifact_repository(source, tracking_uri=mlflow_url).delete_artifacts()

    return drop_files


@pytest.fixture
def hanging_url() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def refusing_url() -> str:
    """The address of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
