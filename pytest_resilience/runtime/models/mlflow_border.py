"""The border to MLflow: its client, held to our limits, and its errors turned into ours."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING

from pytest_resilience.errors import FatalError, ResilienceError, RetryableError
from pytest_resilience.runtime.classify import translate
from pytest_resilience.runtime.forks import renew_in_child
from pytest_resilience.runtime.models.hidden_response import hidden_retry_after, is_refusal
from pytest_resilience.runtime.models.mlflow_limits import mlflow_limits

if TYPE_CHECKING:
    from mlflow import MlflowClient

_filters = RLock()
renew_in_child(sys.modules[__name__], _filters=RLock)


@contextmanager
def calling_mlflow(what: str, tracking_uri: str | None, *, timeout: float) -> Iterator[MlflowClient]:
    """Give the block a client; each request has its own time-out and is sent once.

    Args:
        what: the operation, as messages begin: `Looking up model 'icu'`.
        tracking_uri: the server; None for what MLflow itself would take.
        timeout: seconds for a request to connect, and to stay silent.

    Raises:
        ResilienceError: what went wrong, as the classifier understands it.
    """
    load_mlflow()
    from mlflow import MlflowClient

    with mlflow_limits(timeout=timeout):
        try:
            yield MlflowClient(tracking_uri)
        except ResilienceError:
            raise
        except Exception as error:
            where = f"{what} at {server_address(tracking_uri)} ({_root(error)})"
            raise _ours(error, where) from error


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


def _ours(error: Exception, where: str) -> ResilienceError:
    """Return what an error of MLflow means, with what it left out of its server's reply."""
    translation = translate(error, where)
    if isinstance(translation, RetryableError) and is_refusal(error):
        return FatalError(f"{where} failed: the MLflow server refused the request. Correct the request.")
    if isinstance(translation, RetryableError) and translation.retry_after is None:
        translation.retry_after = hidden_retry_after(error)
    return translation


def _root(error: BaseException) -> str:
    """Return what began it: `ConnectionRefusedError` says more than MLflow's own code."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    name = type(error).__name__
    # The one error of urllib3 whose text is needed: "too many 503 error responses".
    return str(error) if name == "ResponseError" else name
