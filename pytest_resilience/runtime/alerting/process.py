"""One courier for each configuration in a process: shared by all routers, anew after a fork, flushed at exit."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import Severity
from pytest_resilience.runtime import log_sink
from pytest_resilience.runtime.alerting.configuration import Configuration
from pytest_resilience.runtime.alerting.courier import Courier
from pytest_resilience.runtime.alerting.local_file import FileChannel
from pytest_resilience.runtime.alerting.outbox import Outbox
from pytest_resilience.runtime.log_record import write_record
from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR

EXIT_GRACE = 5.0
"""Seconds that the end of the process waits for deliveries; what is left stays in the outbox."""

LOGGER = "pytest_resilience.alerting"

_lock = threading.Lock()
_couriers: dict[tuple[Configuration, bool], Courier] = {}
_inherited: list[Courier] = []
"""Couriers of the parent process: SQLite forbids to use, and so to close, a connection that came through a fork."""


def courier(configuration: Configuration, *, durable: bool = True, clock: Clock = SYSTEM_CLOCK) -> Courier:
    """Return the courier of this configuration, started.

    Args:
        configuration: its channels and outbox.
        durable: False for one that keeps alerts in memory, for the time when the outbox cannot be written.
        clock: measures delays; the first caller decides.

    Raises:
        OSError, sqlite3.Error: if the outbox cannot be opened.
    """
    key = (configuration, durable)
    with _lock:
        found = _couriers.get(key)
        if found is None:
            found = _couriers[key] = _start(configuration, durable=durable, clock=clock)
    return found


def _start(configuration: Configuration, *, durable: bool, clock: Clock) -> Courier:
    outbox = Outbox(configuration.outbox if durable else None)
    channels = (*configuration.channels, FileChannel(configuration.alert_file))
    started = Courier(outbox, channels, report=report, clock=clock)
    started.start()
    return started


def report(channel: str, error: BaseException, failures: int) -> None:
    """Log that a delivery failed: at first, and then ever more rarely."""
    if failures & (failures - 1):
        return
    facts = {
        "channel": channel,
        "attempt": failures,
        "error_type": type(error).__name__,
        "error_message": DEFAULT_REDACTOR.text(str(error)),
    }
    write_record(log_sink.sink(LOGGER), Severity.MEDIUM, "alert not delivered", facts, clock=SYSTEM_CLOCK)


@atexit.register
def _close_all() -> None:
    for each in tuple(_couriers.values()):
        try:
            each.close(EXIT_GRACE)
        except (OSError, sqlite3.Error) as error:
            log_sink.last_words(error)


def _forget() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    _inherited.extend(_couriers.values())
    _couriers.clear()


os.register_at_fork(after_in_child=_forget)
