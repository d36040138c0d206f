"""Real services for the platform's tests, started once and only if a test asks for one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder

sys.path.insert(0, str(Path(__file__).parents[2] / "scenarios"))


@pytest.fixture(scope="session")
def pool() -> Iterator[ServicePool]:
    """The real services of this session."""
    services = ServicePool(RunFolder.make())
    yield services
    services.stop()


@pytest.fixture(scope="session")
def mlflow_url(pool) -> str:
    """A real MLflow server's address."""
    return pool.mlflow().url


@pytest.fixture(scope="session")
def breast_cancer_csv(tmp_path_factory) -> Path:
    """The breast-cancer table as a file."""
    from icu_platform.data import write_breast_cancer

    return write_breast_cancer(tmp_path_factory.mktemp("data") / "breast_cancer.csv")
