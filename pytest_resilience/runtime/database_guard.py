"""The guard of a database: when it is lost, work waits, and goes on by itself when it is back (policy §6)."""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError, Severity
from pytest_resilience.events import DatabaseLost, DatabaseRecovered, Listener, OperationsPaused, tell
from pytest_resilience.runtime.arguments import seconds, whole_number
from pytest_resilience.runtime.callables import is_async, name_of, require_function
from pytest_resilience.runtime.database.connect import connection_keywords
from pytest_resilience.runtime.database.loss import is_database_loss
from pytest_resilience.runtime.database_recovery import recover_database_connection
from pytest_resilience.runtime.deadline import remaining_time, require_time
from pytest_resilience.runtime.listeners import standard_listeners

P = ParamSpec("P")
T = TypeVar("T")
LONGEST_WAIT = 60.0
"""Seconds between a loss and the first try to reconnect, however many losses came before."""
COMPONENT = "database"
"""What alerts say is broken (policy §5)."""
Alert = Callable[[str, str, str], object]
"""Called with severity, component and message, as `AlertRouter.route_alert` is."""

Resolve = Callable[[str, str], object]
"""Called with severity and component, as `AlertRouter.resolve_alert` is."""

logger = logging.getLogger(__name__)


class DatabaseAwayError(FatalError):
    """Say that a database went away too often or for too long; a person has been alerted (policy §6)."""


class DatabaseGuard:
    """Run operations against one database, shared by any number of threads.

    An operation that loses the database is called again when it is back, so it must be one that can be: it
    goes on from a checkpoint, or does nothing twice. The first that notices a loss recovers for all; the
    others wait.

    Args:
        db_config: libpq's keywords, or `dsn` or `url` with a connection string.
        alert: told when a person is needed, for example `AlertRouter().route_alert`.
        resolve: told when that is over, for example `AlertRouter().resolve_alert`.
        wait: seconds between a loss and the first try to reconnect; each loss before it in `window` doubles it, up to
            `LONGEST_WAIT`: a database that answers and breaks again is not helped by haste.
        max_retries: tries before on-call is alerted and work is paused, 1, 2, 4 … seconds apart.
        probe_every: seconds between two tries while work is paused.
        max_pause: seconds after which calls that are paused fail; by default they wait as long as it takes.
        max_losses: so many losses within `window` are recovered from; one more needs a person.
        window: seconds.
        listeners: told of losses, pauses and recoveries; default: the standard library's logging.
        clock: where time comes from.
    """

    def __init__(  # noqa: PLR0913 - each is one dial with a default
        self,
        db_config: Mapping[str, Any],
        *,
        alert: Alert | None = None,
        resolve: Resolve | None = None,
        wait: float = 5.0,
        max_retries: int = 3,
        probe_every: float = 15.0,
        max_pause: float | None = None,
        max_losses: int = 5,
        window: float = 600.0,
        listeners: tuple[Listener, ...] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        connection_keywords(db_config)
        self._db_config = db_config
        self._alert = alert
        self._resolve = resolve
        self._wait = seconds("wait", wait)
        self._max_retries = whole_number("max_retries", max_retries, least=1)
        self._probe_every = seconds("probe_every", probe_every)
        self._max_pause = math.inf if max_pause is None else seconds("max_pause", max_pause)
        self._max_losses = whole_number("max_losses", max_losses, least=1)
        self._window = seconds("window", window)
        self._listeners = listeners
        self._clock = clock
        self._losses: deque[float] = deque()
        self._changed = threading.Condition()
        self._recovering = False
        self._paused = False
        self._recoveries = 0
        self._given_up = 0

    @property
    def paused(self) -> bool:
        """Whether work waits for a database that did not come back by itself."""
        return self._paused

    def call(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function when the database is there, and again each time that it was lost under it.

        Raises:
            DatabaseAwayError: the database goes away too often or for too long; a person has been alerted.
            DeadlineExceededError: the deadline around this call passed while it waited.
            TypeError: the function is asynchronous, or a generator: it would lose the database after this call.
        """
        require_function(func)
        operation = name_of(func)
        if is_async(func):
            raise TypeError(
                f"{operation} is asynchronous: it would run, and lose the database, after this call"
            )
        while True:
            era = self.wait_until_there()
            try:
                return func(*args, **kwargs)
            except Exception as error:
                if not is_database_loss(error):
                    raise
                self._recover(operation, error, era)

    def wait_until_there(self) -> int:
        """Return at once while all is well, else when the database is back; return how often it has come back.

        Raises:
            DatabaseAwayError: it did not come back for so long that nobody waits any more.
            DeadlineExceededError: the deadline around this call passed before that.
        """
        with self._changed:
            given_up = self._given_up
            while self._recovering:
                self._changed.wait(remaining_time())
                require_time()
            if self._given_up != given_up:
                raise self._too_long()
            return self._recoveries

    def _recover(self, operation: str, error: Exception, era: int) -> None:
        """Bring the database back, or wait for the one who does; a loss of an earlier era is over already."""
        with self._changed:
            if self._recovering or self._recoveries != era:
                return
            self._recovering = True
        with self._leading():
            self._tell(DatabaseLost(operation, error))
            began = self._clock.monotonic()
            self._refuse_flapping(operation, began)
            paused = self._bring_back(operation)
            if paused:
                self._reach(self._resolve, Severity.CRITICAL, COMPONENT)
            self._tell(DatabaseRecovered(operation, self._clock.monotonic() - began, paused))
            self._recoveries += 1

    @contextmanager
    def _leading(self) -> Iterator[None]:
        """Let the others go on in the end, however it ends; a loss that lasts they will notice themselves."""
        try:
            yield
        finally:
            with self._changed:
                self._recovering = self._paused = False
                self._changed.notify_all()

    def _bring_back(self, operation: str) -> bool:
        """Try until the database is there; return whether on-call had to be told."""
        doubled = self._wait * 2 ** (len(self._losses) - 1)
        self._clock.sleep(max(self._wait, min(LONGEST_WAIT, doubled)))
        if self._is_back(self._max_retries):
            return False
        self._paused = True
        self._tell(OperationsPaused(operation, self._max_retries))
        self._page(
            f"the database did not come back in {self._max_retries} tries; operations are paused and go "
            "on by themselves when it is back"
        )
        until = self._clock.monotonic() + self._max_pause
        while (left := until - self._clock.monotonic()) > 0:
            require_time()
            self._clock.sleep(min(self._probe_every, left))
            if self._is_back(1):
                return True
        self._given_up += 1
        raise self._too_long()

    def _too_long(self) -> DatabaseAwayError:
        return DatabaseAwayError(
            f"the database did not come back within {self._max_pause:g} s after on-call was alerted; what was "
            "committed is kept: bring it back, then do the same again"
        )

    def _is_back(self, tries: int) -> bool:
        return recover_database_connection(
            self._db_config, tries, listeners=self._listeners, clock=self._clock
        )

    def _refuse_flapping(self, operation: str, now: float) -> None:
        while self._losses and self._losses[0] <= now - self._window:
            self._losses.popleft()
        self._losses.append(now)
        if len(self._losses) <= self._max_losses:
            return
        message = (
            f"the database was lost {len(self._losses)} times within {self._window:g} s; it is not "
            "reconnected any more before that time has passed: find out why it goes away"
        )
        if len(self._losses) == self._max_losses + 1:
            self._page(message)
        raise DatabaseAwayError(f"{operation}: {message}")

    def _page(self, message: str) -> None:
        self._reach(self._alert, Severity.CRITICAL, COMPONENT, message)

    def _reach(self, told: Callable[..., object] | None, *what: str) -> None:
        if told is None:
            return
        try:
            told(*what)
        except Exception as error:  # noqa: BLE001 - a broken alert must not end the recovery
            logger.error("on-call could not be told (%s): %s", type(error).__name__, " ".join(what))  # noqa: TRY400

    def _tell(self, event: object) -> None:
        tell(standard_listeners() if self._listeners is None else self._listeners, event)
