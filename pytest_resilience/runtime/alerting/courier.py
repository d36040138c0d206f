"""Deliver in the background: one thread a channel, so that one that hangs holds none of the others up."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence

from pytest_resilience.runtime.alerting.alert import Alert
from pytest_resilience.runtime.alerting.channel import Channel
from pytest_resilience.runtime.alerting.outbox import Outbox
from pytest_resilience.runtime.alerting.real_time import REAL_TIME
from pytest_resilience.runtime.alerting.sender import POLL, Report, Sender

LAST_RESORT = "file"
FAILOVER_ORDER = ("slack", "email", "apprise", "pagerduty", LAST_RESORT)
"""Which channel takes over from another: the first that is configured and does not have the alert already."""

WORK_OFF = 5.0
"""Seconds that deliveries may take in a thread that is not theirs, at the end of the process."""

PURGE_EVERY = 500
"""Deliveries after which the outbox forgets what is done."""


class Courier:
    """Bring what is added to the outbox to the channels, until it is closed.

    Args:
        outbox: survives what this process does not.
        channels: what is configured, the last resort among them.
        report: told of every failure.
    """

    def __init__(self, outbox: Outbox, channels: Iterable[Channel], *, report: Report) -> None:
        self.outbox = outbox
        self._report = report
        self._progress = threading.Condition()
        self._hurry = False
        self._closed = False
        self._retired = False
        self._inline = False
        channels = tuple(channels)
        names = {channel.name for channel in channels}
        order = [name for name in FAILOVER_ORDER if name in names]
        self._senders = {
            channel.name: Sender(
                channel,
                outbox,
                others=[name for name in order if name != channel.name],
                wake=self._wake,
                report=report,
            )
            for channel in channels
        }
        self._bells = {name: threading.Event() for name in self._senders}
        self._threads: dict[str, threading.Thread] = {}

    @property
    def names(self) -> frozenset[str]:
        """The names of the channels."""
        return frozenset(self._senders)

    def start(self) -> None:
        """Start the threads; where the interpreter allows none any more, whoever adds an alert delivers it."""
        for name in self._senders:
            thread = threading.Thread(target=self._run, args=(name,), name=f"alerts-{name}", daemon=True)
            self._threads[name] = thread
            try:
                thread.start()
            except RuntimeError:  # the interpreter is about to end
                del self._threads[name]
                self._inline = True
                self._stop()
                return

    def add(self, alert: Alert, channels: Sequence[str]) -> None:
        """Store the alert durably, and let its channels know.

        Raises:
            OSError, sqlite3.Error: if it could not be stored.
        """
        self.outbox.add(alert, channels)
        if self._inline:
            self._work_off()
        else:
            self._wake(channels)

    def flush(self, timeout: float) -> bool:
        """Deliver what can be delivered within so many seconds, and tell whether nothing is left."""
        until = REAL_TIME.monotonic() + timeout
        self._hurry = True
        for sender in self._senders.values():
            sender.try_now()
        self._wake(self._senders)
        if self._inline:
            self._work_off()
        with self._progress:
            while left := self._pending():
                remaining = until - REAL_TIME.monotonic()
                if remaining <= 0:
                    break
                self._progress.wait(min(remaining, 0.25))
        self._hurry = False
        return left == 0

    def close(self, grace: float) -> None:
        """Flush, note locally what a failing channel has not taken, and stop.

        Args:
            grace: seconds that deliveries may take; what is left stays in the outbox.
        """
        self.flush(grace)
        self._stop()
        for name, sender in self._senders.items():
            if sender.failures and name != LAST_RESORT:
                sender.give_to([LAST_RESORT])
        self._work_off([LAST_RESORT])
        for sender in self._senders.values():
            sender.let_go()

    def retire(self, timeout: float = 0.0) -> None:
        """Stop delivering and let go of the outbox; what is in it stays in it.

        Args:
            timeout: seconds to wait for each delivery that is under way.
        """
        threads = list(self._threads.values())
        self._retired = True
        self._stop()
        if not threads:
            self.outbox.close()
        for thread in threads if timeout else ():
            thread.join(timeout)

    def _stop(self) -> None:
        self._closed = True
        self._wake(self._senders)

    def _pending(self) -> int:
        return self.outbox.totals()["pending"]

    def _wake(self, names: Iterable[str]) -> None:
        for name in names:
            if bell := self._bells.get(name):
                bell.set()

    def _run(self, name: str) -> None:
        bell, done = self._bells[name], 0
        while not self._closed:
            pause = self._step(name)
            done += 1
            if done % PURGE_EVERY == 0:
                self._purge()
            with self._progress:
                self._progress.notify_all()
            if pause:
                bell.wait(pause)
                bell.clear()
        with self._progress:
            del self._threads[name]
            if self._retired and not self._threads:
                self.outbox.close()

    def _work_off(self, names: Iterable[str] | None = None) -> None:
        """Do the threads' work in this one, for as long as there is any that need not wait."""
        until = REAL_TIME.monotonic() + WORK_OFF
        for name in self._senders if names is None else names:
            while name in self._senders and self._step(name) == 0 and REAL_TIME.monotonic() < until:
                pass

    def _purge(self) -> None:
        try:
            self.outbox.purge()
        except sqlite3.Error:
            return  # busy: there will be another occasion

    def _step(self, name: str) -> float:
        try:
            return self._senders[name].step(hurry=self._hurry)
        except Exception as error:  # noqa: BLE001 - the disk is full, or we have a bug: the thread must live on
            self._report("outbox", error, 1)
            return POLL
