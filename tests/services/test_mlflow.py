"""The embedded MLflow is a real tracking server, and its troubles are told in its own words."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path

import pytest

from pytest_resilience.services import mlflow as module
from pytest_resilience.services.mlflow import start_mlflow
from pytest_resilience.services.process import ServiceStartError
from pytest_resilience.services.run_folder import RunFolder


def test_server_answers_and_keeps_a_prepared_store(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It serves the registry; a second start takes the store that the first one prepared."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    _, address = start_mlflow(run)
    connection = HTTPConnection(address.host, address.port)
    connection.request("GET", "/api/2.0/mlflow/registered-models/search")
    answer = json.load(connection.getresponse())
    connection.close()
    stores = list(tmp_path.glob("pytest-resilience/mlflow-*.db"))

    assert answer == {}
    assert [store.stat().st_mode & 0o777 for store in stores] == [0o600]


def test_death_at_start_shows_the_log(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that dies at its start is told with its log, and the prepared store is not used again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    prepared = tmp_path / "pytest-resilience" / f"mlflow-{module.mlflow_version()}.db"
    prepared.parent.mkdir()
    prepared.write_bytes(b"this is no database " * 100)

    with pytest.raises(ServiceStartError, match=r"(?s)MLflow ended with status 1.*file is not a database"):
        start_mlflow(run)
    assert not prepared.exists()


def test_missing_package_is_told(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without MLflow the message says which command installs it."""
    monkeypatch.setattr(module, "find_spec", lambda _: None)

    with pytest.raises(ServiceStartError, match=r'pip install "pytest-resilience\[chaos\]"'):
        start_mlflow(run)
