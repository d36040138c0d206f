"""The public names: every name of the policy is there, typed, lazy, and costs nothing before it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_resilience

POLICY_NAMES = {
    "AlertRouter",
    "BusinessLogicError",
    "CheckpointDamagedError",
    "CheckpointManager",
    "CircuitBreaker",
    "CircuitBreakerOpenError",
    "CircuitState",
    "DataIngestionAgent",
    "FatalError",
    "HealthCheckFailed",
    "RetryableError",
    "StructuredErrorLogger",
    "deploy_model_with_rollback",
    "enable_fallback_predictions",
    "execute_with_rollback",
    "ingest_data_with_checkpoint",
    "recover_database_connection",
    "recover_model_serving",
    "retry_with_exponential_backoff",
    "retry_with_fixed_delay",
    "run_model_health_check",
}


def test_every_name_of_the_policy_is_public() -> None:
    """What the policy names can be imported from the package."""
    assert POLICY_NAMES - set(pytest_resilience.__all__) == set()


@pytest.mark.parametrize("name", pytest_resilience.__all__)
def test_public_name_is_there_and_explained(name: str) -> None:
    """Each loads, and has a docstring."""
    value = getattr(pytest_resilience, name)

    assert not callable(value) or value.__doc__


def test_typed_names_are_the_lazy_names() -> None:
    """What type checkers see is what is there at run time."""
    tree = ast.parse(Path(pytest_resilience.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.asname: (node.module or "").removeprefix("pytest_resilience.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("pytest_resilience.")
        for alias in node.names
    }

    assert typed == pytest_resilience._HOME_OF


def test_unknown_name_is_an_attribute_error() -> None:
    """A misspelled name fails as in any module."""
    with pytest.raises(AttributeError, match="has no attribute 'retry_with_exponential_backof'"):
        pytest_resilience.retry_with_exponential_backof  # noqa: B018


def test_import_is_lazy_and_standard_library_only() -> None:
    """Importing the package loads none of its modules, and not asyncio."""
    code = (
        "import sys; before = set(sys.modules); import pytest_resilience; "
        "print(sorted(name for name in set(sys.modules) - before))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(answer.stdout))

    assert [name for name in loaded if name.startswith("pytest_resilience.")] == []
    assert {name.partition(".")[0] for name in loaded} - {"pytest_resilience"} <= sys.stdlib_module_names
    assert "asyncio" not in loaded
