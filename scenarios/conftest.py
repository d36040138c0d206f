"""What the scenarios share: the platform's tables in a database of the test's own, and a look from the side."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from icu_platform.data import write_breast_cancer, write_icu_stays
from pytest_resilience.chaos.postgres_handle import PostgresHandle

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def ask(postgres: PostgresHandle) -> Ask:
    """Ask the database around the proxy, whatever is broken in front of it."""

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with psycopg2.connect(postgres.direct_dsn) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    return ask


@pytest.fixture
def warehouse(postgres: PostgresHandle, ask: Ask) -> PostgresHandle:
    """The test's database, with the platform's tables in it."""
    ask(files("icu_platform").joinpath("schema.sql").read_text())
    return postgres


@pytest.fixture
def biopsies(tmp_path: Path) -> Path:
    """The Wisconsin breast-cancer table, 569 rows, as it ships with scikit-learn."""
    return write_breast_cancer(tmp_path / "breast_cancer.csv")


@pytest.fixture
def stays(tmp_path: Path) -> Path:
    """5,000 made-up ICU stays."""
    return write_icu_stays(tmp_path / "icustays.csv", 5_000)
