"""Things made ahead: what has been asked for twice will be asked for again, so the next one is made meanwhile."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from pytest_resilience.services.settled import settle

Thing = TypeVar("Thing")

REPEATED = 2
"""From how many on another one is made ahead: a test that needs only one pays for one."""


class Ahead(Generic[Thing]):
    """Hand out things that each have one user, the next of which is made while this one is used.

    Args:
        make: makes one.
        discard: does away with one that nobody took.
        usable: tells whether one that was made a while ago can still be used.
    """

    def __init__(
        self,
        make: Callable[[], Thing],
        discard: Callable[[Thing], None],
        *,
        usable: Callable[[Thing], bool] = lambda _: True,
    ) -> None:
        self._make = make
        self._discard = discard
        self._usable = usable
        self._next: Future[Thing] | None = None
        self._taken = 0
        self._closed = False
        self._lock = threading.Lock()

    def take(self) -> Thing:
        """Return a thing that is the caller's alone, ready at once where one was made ahead."""
        with self._lock:
            prepared, self._next = self._next, None
        thing = self._made_ahead(prepared)
        if thing is None:
            thing = self._make()
        with self._lock:
            self._taken += 1
            self._prepare()
        return thing

    def close(self) -> None:
        """Make no more ahead, and discard what nobody took; safe to call twice."""
        with self._lock:
            self._closed = True
            prepared, self._next = self._next, None
        if prepared is not None and prepared.exception() is None:
            self._discard(prepared.result())

    def _made_ahead(self, prepared: Future[Thing] | None) -> Thing | None:
        """Return the prepared thing; none where there is none, or it failed: the caller then sees why."""
        if prepared is None or prepared.exception() is not None:
            return None
        thing = prepared.result()
        if self._usable(thing):
            return thing
        with contextlib.suppress(Exception):
            self._discard(thing)
        return None

    def _prepare(self) -> None:
        if self._taken >= REPEATED and self._next is None and not self._closed:
            self._next = Future()
            order = (self._next, self._make)
            threading.Thread(target=settle, args=order, name="ahead", daemon=True).start()
