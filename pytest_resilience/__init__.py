"""Survive what production does to code: retry, breaker, rollback, checkpoint, alert and recover.

The public names below are loaded on first use; importing this package imports the standard library only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_resilience.errors import BusinessLogicError as BusinessLogicError
    from pytest_resilience.errors import CheckpointDamagedError as CheckpointDamagedError
    from pytest_resilience.errors import CircuitBreakerOpenError as CircuitBreakerOpenError
    from pytest_resilience.errors import FatalError as FatalError
    from pytest_resilience.errors import HealthCheckFailed as HealthCheckFailed
    from pytest_resilience.errors import ResilienceError as ResilienceError
    from pytest_resilience.errors import RetryableError as RetryableError
    from pytest_resilience.errors import Severity as Severity
    from pytest_resilience.runtime.breaker import CircuitBreaker as CircuitBreaker
    from pytest_resilience.runtime.breaker import CircuitState as CircuitState
    from pytest_resilience.runtime.retry import Retry as Retry
    from pytest_resilience.runtime.retry import (
        retry_with_exponential_backoff as retry_with_exponential_backoff,
    )
    from pytest_resilience.runtime.retry import retry_with_fixed_delay as retry_with_fixed_delay

_HOMES = {
    "errors": (
        "BusinessLogicError",
        "CheckpointDamagedError",
        "CircuitBreakerOpenError",
        "FatalError",
        "HealthCheckFailed",
        "ResilienceError",
        "RetryableError",
        "Severity",
    ),
    "runtime.breaker": (
        "CircuitBreaker",
        "CircuitState",
    ),
    "runtime.retry": (
        "Retry",
        "retry_with_exponential_backoff",
        "retry_with_fixed_delay",
    ),
}
"""Which module of this package each public name lives in."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]  # noqa: PLE0604 - the names stand once, in _HOMES, and are strings
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'pytest_resilience' has no attribute {name!r}")
    value = getattr(import_module(f"pytest_resilience.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
