"""Hold the MLflow client to our time-outs: by itself it tries 7 more times of 120 s, writes included.

MLflow reads its limits from the process environment at every request; there is no argument for them. Hence
they are set while our calls run and put back afterwards, for all threads together.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from pytest_resilience.runtime.forks import renew_in_child
from pytest_resilience.runtime.interruption import UNINTERRUPTED

TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
PROGRESS_BAR = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"

_lock = Lock()
renew_in_child(sys.modules[__name__], _lock=Lock)
_active: dict[object, Mapping[str, str]] = {}
_before: dict[str, str | None] = {}


@contextmanager
def mlflow_limits(*, timeout: float, retries: int = 0) -> Iterator[None]:
    """Keep every MLflow request of this process within limits while the block runs.

    Blocks may overlap in several threads: the tightest limits win, and what stood in the environment before
    the first block is restored after the last one.

    Args:
        timeout: seconds for a request to connect, and to stay silent; MLflow takes whole ones, at least 1.
        retries: how often MLflow may send a request again by itself. 0 leaves that to the caller, who knows
            which requests are safe to repeat: MLflow would repeat writes too.
    """
    if timeout <= 0:
        raise ValueError(f"timeout must be above 0 seconds, not {timeout}")
    if retries < 0:
        raise ValueError(f"retries must be 0 or more, not {retries}")
    token = object()
    settings = {TIMEOUT: str(max(1, int(timeout))), RETRIES: str(retries), PROGRESS_BAR: "false"}
    try:
        _set(token, settings)
        yield
    finally:
        _unset(token)


def _set(token: object, settings: Mapping[str, str]) -> None:
    with _lock:
        if not _active:
            _before.update({name: os.environ.get(name) for name in settings})
        _active[token] = settings
        _apply_tightest()


def _unset(token: object) -> None:
    with _lock:
        if _active.pop(token, None) is None:
            return
        if _active:
            _apply_tightest()
        else:
            _restore()


UNINTERRUPTED.update({_set.__code__, _unset.__code__})


def _apply_tightest() -> None:
    for name in (TIMEOUT, RETRIES):
        os.environ[name] = str(min(int(settings[name]) for settings in _active.values()))
    # A progress bar on stderr would stand between the lines of a structured log.
    os.environ[PROGRESS_BAR] = "false"


def _restore() -> None:
    for name, value in _before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _before.clear()
