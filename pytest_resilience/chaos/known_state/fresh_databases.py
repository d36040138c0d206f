"""Databases of one user each: the next is made ahead, and one that is given back never holds its giver up for long.

A server drops a database once all its sessions have said that they keep none of its files open. A session that waits
for its client within the login or a COPY says nothing (PostgreSQL 18, `ProcessClientReadInterrupt`), so a fault that
holds one client there would hold up the sandboxes of all processes of the run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

from pytest_resilience.services.ahead import Ahead
from pytest_resilience.services.settled import settle

PROMPT = 0.25
"""Seconds that a giver waits; an idle server takes a tenth of it."""
GRACE = 10.0
"""Seconds for what is still being dropped at the end: whoever ends the server, or keeps it, removes the rest."""


class FreshDatabases:
    """Hand out databases by name, and drop those that are given back.

    Args:
        make: makes one.
        drop: drops one; it may have to wait for sessions of others.
        prompt: seconds that `give_back` waits for `drop`.
    """

    def __init__(
        self, make: Callable[[], str], drop: Callable[[str], None], *, prompt: float = PROMPT
    ) -> None:
        self._ahead = Ahead(make, drop)
        self._drop = drop
        self._prompt = prompt
        self._dropping: set[Future[None]] = set()
        self._lock = threading.Lock()

    def take(self) -> str:
        """Return the name of a database that is the caller's alone until it is given back."""
        return self._ahead.take()

    def give_back(self, name: str) -> None:
        """Drop it; what takes longer than a moment goes on in the background.

        Raises:
            Exception: what `drop` raised, for this database or for one whose drop has gone on since.
        """
        dropped: Future[None] = Future()
        order = (dropped, lambda: self._drop(name))
        threading.Thread(target=settle, args=order, name="drop", daemon=True).start()
        wait([dropped], timeout=self._prompt)
        with self._lock:
            self._dropping.add(dropped)
        self._settle()

    def close(self) -> None:
        """Make no more ahead, and see the end of what is being dropped; safe to call twice.

        Raises:
            Exception: what `drop` raised.
        """
        self._ahead.close()
        with self._lock:
            dropping = set(self._dropping)
        wait(dropping, timeout=GRACE)
        self._settle()

    def _settle(self) -> None:
        with self._lock:
            done = {each for each in self._dropping if each.done()}
            self._dropping -= done
        for each in done:
            each.result()
