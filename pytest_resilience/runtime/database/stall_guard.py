"""Cut a connection that has not answered for too long: libpq itself would wait for ever."""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from pytest_resilience.clock import SystemClock
from pytest_resilience.errors import RetryableError
from pytest_resilience.runtime.deadline import remaining_time

_CLOCK = SystemClock()
"""Our own, so that no virtual time reaches the watch."""


class StallGuard:
    """Watch a psycopg connection: each step on it has a limit, after which its line is closed under it.

    The blocked call then fails, wherever it stands in libpq. What a deadline around the guard leaves counts
    too. One thread watches all steps; it wakes when the step that it last saw would be late.

    Args:
        connection: of psycopg2 or psycopg 3.
        timeout: seconds for a step.
    """

    def __init__(self, connection: Any, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout
        remaining = remaining_time()
        self._end = math.inf if remaining is None else _CLOCK.monotonic() + remaining
        self._late_at = math.inf
        self._cut = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="resilience-stall-guard", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Limit the time of the block.

        Raises:
            RetryableError: it was over.
        """
        self._late_at = self._limit()
        try:
            yield
        except Exception as error:
            if self._cut:
                raise RetryableError(
                    f"{what}: no answer from the database within {self._timeout:g} s, the connection "
                    "was cut; see whether the server is overloaded or the network is down, then run it again"
                ) from error
            raise
        finally:
            self._late_at = math.inf

    def _limit(self) -> float:
        return min(_CLOCK.monotonic() + self._timeout, self._end)

    def _watch(self) -> None:
        wake_at = self._limit()  # no step that begins later is late before that
        while not self._over.wait(max(0.0, min(wake_at - _CLOCK.monotonic(), threading.TIMEOUT_MAX))):
            if self._late_at <= _CLOCK.monotonic():
                self._cut = True
                _cut(self._connection)
                return
            wake_at = min(self._late_at, self._limit())


def _cut(connection: Any) -> None:
    with (
        contextlib.suppress(Exception),  # the connection may have ended by itself just now
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)
