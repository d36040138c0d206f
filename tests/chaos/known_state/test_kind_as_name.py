"""A service asked for by its kind, where that says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.model import Configuration, ServiceDeclaration
from pytest_resilience.chaos.sandbox import Sandbox, UnknownServiceError
from pytest_resilience.services.pool import ServicePool


def sandbox(pool: ServicePool, folder: Path, *names: str) -> Sandbox:
    """A sandbox with databases of these names."""
    services = {name: ServiceDeclaration(name=name, kind="postgres", component=name) for name in names}
    return Sandbox(pool, "kinds", Configuration(folder=folder, scenarios=folder, services=services))


def test_the_only_database_is_meant(pool: ServicePool, tmp_path: Path) -> None:
    """It is the same as under its own name."""
    made = sandbox(pool, tmp_path, "warehouse")
    try:
        assert made.service("postgres") is made.service("warehouse")
    finally:
        made.close()


def test_one_of_several_is_not_guessed(pool: ServicePool, tmp_path: Path) -> None:
    """The error names them."""
    made = sandbox(pool, tmp_path, "warehouse", "archive")
    try:
        with pytest.raises(UnknownServiceError, match="known are warehouse, archive"):
            made.service("postgres")
    finally:
        made.close()
