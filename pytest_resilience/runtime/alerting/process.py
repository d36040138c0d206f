"""One courier for each configuration in a process: shared by all routers, anew after a fork, flushed at exit."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
from collections.abc import Hashable
from pathlib import Path
from typing import cast

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.errors import Severity
from pytest_resilience.runtime import log_sink
from pytest_resilience.runtime.alerting.channel import Channel
from pytest_resilience.runtime.alerting.configuration import Configuration
from pytest_resilience.runtime.alerting.courier import Courier
from pytest_resilience.runtime.alerting.local_file import FileChannel
from pytest_resilience.runtime.alerting.outbox import Outbox
from pytest_resilience.runtime.log_record import write_record
from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR
from pytest_resilience.runtime.repeat_limit import RepeatLimit

EXIT_GRACE = 5.0
"""Seconds that the end of the process waits for deliveries; what is left stays in the outbox."""

LOGGER = "pytest_resilience.alerting"

_lock = threading.RLock()
_reports = RepeatLimit(3, 60.0)
_couriers: dict[tuple[Path, bool], tuple[Hashable, Courier]] = {}


def courier(configuration: Configuration, *, durable: bool = True) -> Courier:
    """Return the courier of this configuration, started.

    There is one for an outbox; when the channels of an outbox change, the latest are used.

    Args:
        configuration: its channels and outbox.
        durable: False for one that keeps alerts in memory, for the time when the outbox cannot be written.

    Raises:
        OSError, sqlite3.Error: if the outbox cannot be opened.
    """
    key = (configuration.outbox, durable)
    channels = tuple(map(_identity, configuration.channels))
    with _lock:
        known, found = _couriers.get(key, (None, None))
        if found is None or known != channels:
            fresh = _start(configuration, durable=durable)
            if found is not None:
                found.retire()
            _couriers[key] = channels, fresh
            return fresh
        return found


def stop_all(timeout: float = 15.0) -> None:
    """Stop all deliveries of this process; what is in an outbox stays in it. For the end of a test.

    Args:
        timeout: seconds to wait for a delivery that is under way.
    """
    with _lock:
        stopped = [each for _, each in _couriers.values()]
        _couriers.clear()
    for each in stopped:
        each.retire(timeout)


def _start(configuration: Configuration, *, durable: bool) -> Courier:
    channels = (*configuration.channels, FileChannel(configuration.alert_file))
    started = Courier(Outbox(configuration.outbox if durable else None), channels, report=report)
    started.start()
    return started


def _identity(channel: Channel) -> Hashable:
    try:
        hash(channel)
    except TypeError:
        return id(channel)
    return cast("Hashable", channel)


def report(channel: str, error: BaseException, failures: int) -> None:
    """Log that a delivery failed, a few times a minute for each channel and kind of failure."""
    held = _reports.admit(f"{channel} {type(error).__name__}")
    if held is None:
        return
    facts = {
        "channel": channel,
        "attempt": failures,
        "suppressed": held,
        "error_type": type(error).__name__,
        "error_message": DEFAULT_REDACTOR.text(str(error)),
    }
    write_record(log_sink.sink(LOGGER), Severity.MEDIUM, "alert not delivered", facts, clock=SYSTEM_CLOCK)


@atexit.register
def _close_all() -> None:
    for _, each in tuple(_couriers.values()):
        try:
            each.close(EXIT_GRACE)
        except (OSError, sqlite3.Error) as error:
            log_sink.last_words(error)
    _couriers.clear()


def _before_fork() -> None:
    # SQLite's knowledge of who holds which lock is the process's: a copy of an open connection would be wrong in the
    # child for ever. So there is none at the moment of a fork.
    _lock.acquire()
    for _, each in _couriers.values():
        each.outbox.pause()


def _after_fork_in_parent() -> None:
    for _, each in _couriers.values():
        each.outbox.resume()
    _lock.release()


def _after_fork_in_child() -> None:
    _couriers.clear()  # their threads are not in this process; what they were to deliver is the parent's
    _lock.release()


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
)
