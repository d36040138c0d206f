"""The border to MLflow: its client, held to our limits, and its errors turned into ours."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any

from pytest_resilience.errors import FatalError, ResilienceError, RetryableError
from pytest_resilience.runtime.models.mlflow_limits import mlflow_limits

if TYPE_CHECKING:
    from mlflow import MlflowClient

_filters = RLock()

_PERMANENT = frozenset(
    {
        "BAD_REQUEST",
        "ENDPOINT_NOT_FOUND",
        "FEATURE_DISABLED",
        "INVALID_PARAMETER_VALUE",
        "INVALID_STATE",
        "NOT_IMPLEMENTED",
        "PERMISSION_DENIED",
        "RESOURCE_ALREADY_EXISTS",
        "RESOURCE_DOES_NOT_EXIST",
        "UNAUTHENTICATED",
    }
)
"""MLflow's error codes that mean that the same request will fail again."""


@contextmanager
def calling_mlflow(what: str, tracking_uri: str | None, *, timeout: float) -> Iterator[MlflowClient]:
    """Give the block a client; each request has its own time-out and is sent once.

    Args:
        what: the operation, as messages begin: `Looking up model 'icu'`.
        tracking_uri: the server; None for what MLflow itself would take.
        timeout: seconds for a request to connect, and to stay silent.

    Raises:
        FatalError: MLflow refused.
        RetryableError: it did not answer, or with something that is no answer of MLflow's.
    """
    load_mlflow()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    with mlflow_limits(timeout=timeout):
        try:
            yield MlflowClient(tracking_uri)
        except ResilienceError:
            raise
        except MlflowException as error:
            raise _translated(what, tracking_uri, error) from error
        except Exception as error:
            raise RetryableError(
                f"{what} at {server_address(tracking_uri)} failed with {type(error).__name__}. "
                "Is an MLflow server there? Try again."
            ) from error


@cache
def load_mlflow() -> None:
    """Import the parts of MLflow that we use, once, without the warnings that it gives at its own import.

    It takes seconds; a server does it before its first request.
    """
    with without_warnings():
        import mlflow.artifacts
        import mlflow.pyfunc  # noqa: F401 - imported for its warnings, used where it is imported again


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence warnings about MLflow's own code, which no caller of ours can heed, while the block runs.

    Filters belong to the process; two blocks at once would restore each other's, hence the lock.
    """
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def server_address(tracking_uri: str | None) -> str:
    """Return the address of the server in use, without a user or a password in it."""
    from mlflow import get_tracking_uri

    scheme, separator, rest = (tracking_uri or str(get_tracking_uri())).partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _translated(what: str, tracking_uri: str | None, error: Any) -> FatalError | RetryableError:
    where = f"{what} at {server_address(tracking_uri)} failed with {error.error_code} ({_root(error)})."
    if error.error_code in _PERMANENT:
        return FatalError(f"{where} Check the name, the version and your rights.")
    return RetryableError(f"{where} Is the server up? Try again.")


def _root(error: BaseException) -> str:
    """Return the name of the error that began it: `ConnectionRefusedError` says more than MLflow's code."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return type(error).__name__
