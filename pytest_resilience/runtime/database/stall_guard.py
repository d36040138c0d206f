"""Cut a connection that has not answered for too long: libpq itself would wait for ever."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from pytest_resilience.errors import RetryableError
from pytest_resilience.runtime.deadline import remaining_time

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def cut_when_stalled(connection: Any, *, timeout: float, what: str) -> Iterator[None]:
    """Give the block so much time with a psycopg connection, then close its line under it.

    The blocked call fails, wherever it stands in libpq. The time that a deadline around it leaves counts too.

    Args:
        connection: of psycopg2 or psycopg 3.
        timeout: seconds.
        what: the block does, for the message.

    Raises:
        RetryableError: the time was over.
    """
    remaining = remaining_time()
    limit = timeout if remaining is None else min(timeout, remaining)
    cut = threading.Event()
    timer = threading.Timer(limit, _cut, (connection, cut))
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if cut.is_set():
            raise RetryableError(
                f"{what}: no answer from the database for {limit:g} s, the connection was cut; "
                "see whether the server is overloaded or the network is down, then run it again"
            ) from error
        raise
    finally:
        timer.cancel()


def _cut(connection: Any, cut: threading.Event) -> None:
    cut.set()
    with (
        contextlib.suppress(Exception),  # the connection may have ended by itself just now
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)
