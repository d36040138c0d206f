"""What the proxies of one run have seen, collected while it runs, so that a long run loses nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.run.record import Message
from pytest_resilience.chaos.wire import ProxiedService
from pytest_resilience.errors import HarnessError

EVERY = 0.25
"""Seconds from one look to the next; the engine keeps the last 10,000 messages of a proxy."""


@dataclass(slots=True)
class Traffic:
    """Collect the messages of a run's services.

    Args:
        services: by name.
        clock: the run's.
    """

    services: Mapping[str, ProxiedService]
    clock: RunClock
    lost: int = 0
    _entries: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    _next: dict[str, int] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _error: HarnessError | None = None

    def begin(self) -> None:
        """Begin to collect."""
        self._thread = threading.Thread(target=self._collect, name="resilience-traffic", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop collecting; safe to call twice."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def messages(self) -> tuple[Message, ...]:
        """Return all messages until now, in the order in which they came.

        Raises:
            HarnessError: the engine could not be asked.
        """
        if self._error is not None:
            raise self._error
        self._look()
        found = [_message(service, entry, self.clock) for service, entry in self._entries]
        return tuple(sorted(found, key=lambda message: message.at))

    def connections(self) -> int:
        """Return how many connections were made to all services."""
        return sum(service.engine.connections(service.proxy) for service in self.services.values())

    def _collect(self) -> None:
        try:
            while not self._stopped.wait(EVERY):
                self._look()
        except HarnessError as error:
            self._error = error

    def _look(self) -> None:
        with self._lock:
            for name, service in self.services.items():
                since = self._next.get(name, 0)
                entries, self._next[name], lost = service.engine.trace(service.proxy, since=since)
                self.lost += lost
                self._entries.extend((name, entry) for entry in entries)


def _message(service: str, entry: Mapping[str, Any], clock: RunClock) -> Message:
    return Message(
        at=clock.of_engine(entry["at"]),
        service=service,
        connection=entry["connection"],
        side=entry["direction"],
        message=entry["message"],
        shape=entry["shape"],
        count=entry["count"],
        transaction=entry["transaction"],
        fault=entry["fault"],
        keyed=entry.get("keyed"),
        target=entry.get("target"),
        body=entry.get("body"),
    )
