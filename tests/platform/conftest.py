"""Real services behind fault proxies for the platform's tests, started only if a test asks for them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from pytest_resilience.chaos.sandbox import Sandbox

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.fixture
def sandbox(pool, request) -> Iterator[Sandbox]:
    """What one test has to itself."""
    own = Sandbox(pool, request.node.name)
    yield own
    own.close()


@pytest.fixture
def database(sandbox):
    """A real database with the platform's tables, behind a fault proxy."""
    handle = sandbox.postgres()
    with handle.address.connect(handle.database) as connection, connection.cursor() as cursor:
        cursor.execute((SCENARIOS / "icu_platform" / "schema.sql").read_text())
    return handle


@pytest.fixture
def ask(database):
    """Return a function that asks the database a question around the proxy."""

    def ask(sql):
        with database.address.connect(database.database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None

    return ask


@pytest.fixture
def mlflow_server(sandbox):
    """A real MLflow server behind a fault proxy."""
    return sandbox.mlflow()


@pytest.fixture(scope="session")
def breast_cancer_csv(tmp_path_factory) -> Path:
    """The breast-cancer table as a file."""
    from icu_platform.data import write_breast_cancer

    return write_breast_cancer(tmp_path_factory.mktemp("data") / "breast_cancer.csv")


@pytest.fixture
def samples(breast_cancer_csv) -> list[dict[str, str]]:
    """Three samples as a caller sends them."""
    with breast_cancer_csv.open(newline="") as file:
        return list(islice(csv.DictReader(file), 3))


@pytest.fixture
def champion(mlflow_server, breast_cancer_csv, request) -> str:
    """The name of a model that was trained, and is in charge."""
    from mlflow import MlflowClient

    from icu_platform import TrainingAgent

    name = request.node.name
    result = TrainingAgent(mlflow_server.direct_url, model_name=name).execute(
        {"source_file": breast_cancer_csv}
    )
    assert result.is_success(), result.error
    client = MlflowClient(mlflow_server.direct_url)
    client.set_registered_model_alias(name, "champion", result.metadata["version"])
    return name
