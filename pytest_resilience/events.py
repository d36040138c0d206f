"""Events: frozen facts in the past tense that the runtime tells its listeners."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

Listener: TypeAlias = Callable[[Any], None]
"""Called with one event. It must be quick; an exception that it raises never reaches the caller's code."""


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt failed, and another one follows.

    Args:
        operation: name of what was tried.
        attempt: which one failed, from 1.
        error: what it raised.
        delay: seconds until the next attempt.
    """

    operation: str
    attempt: int
    error: BaseException
    delay: float


@dataclass(frozen=True, slots=True)
class RetriesSucceeded:
    """An operation that had failed succeeded after all.

    Args:
        operation: name of what was tried.
        attempts: how many it took.
        elapsed: seconds since its first failure.
    """

    operation: str
    attempts: int
    elapsed: float


@dataclass(frozen=True, slots=True)
class GaveUp:
    """An attempt failed, and no other follows: the error goes to the caller.

    Args:
        operation: name of what was tried.
        attempts: how many were made.
        error: what the last one raised.
        reason: why there is no other.
        elapsed: seconds since the first failure.
    """

    operation: str
    attempts: int
    error: BaseException
    reason: str
    elapsed: float


@dataclass(frozen=True, slots=True)
class AttemptAbandoned:
    """An attempt was still running after its deadline, because it could not be interrupted.

    Args:
        operation: name of what was tried.
        limit: seconds that it had.
        worker: name of the thread or task that it occupies.
    """

    operation: str
    limit: float
    worker: str


@dataclass(frozen=True, slots=True)
class CircuitOpened:
    """A breaker stopped letting calls through.

    Args:
        breaker: its name.
        failures: how many failures it had counted.
        error: the last of them; `None` where slow calls were the reason.
        retry_after: seconds until it lets a trial call through.
    """

    breaker: str
    failures: int
    error: BaseException | None
    retry_after: float


@dataclass(frozen=True, slots=True)
class CircuitHalfOpened:
    """A breaker began to let trial calls through."""

    breaker: str


@dataclass(frozen=True, slots=True)
class CircuitClosed:
    """A breaker lets all calls through again."""

    breaker: str


@dataclass(frozen=True, slots=True)
class CallRejected:
    """A breaker refused a call; told only to listeners that a breaker was given explicitly.

    Args:
        breaker: its name.
        retry_after: seconds until it lets a trial call through.
    """

    breaker: str
    retry_after: float


@dataclass(frozen=True, slots=True)
class ServedDegraded:
    """A fallback answered in the place of the real thing.

    Args:
        operation: name of what was tried.
        error: why the real thing did not answer.
    """

    operation: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class CheckpointDamageFound:
    """A damaged checkpoint was found, and an older one that is intact was used in its place.

    Args:
        operation: the operation's id.
        why: what is wrong with it.
        version_used: of the checkpoint that was used; each save adds one.
    """

    operation: str
    why: str
    version_used: int


@dataclass(frozen=True, slots=True)
class DatabaseLost:
    """A database went away under an operation, and work that needs it is held.

    Args:
        operation: what noticed it.
        error: how.
    """

    operation: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class DatabaseRecovered:
    """A lost database answers again, and held work goes on.

    Args:
        operation: what had noticed the loss.
        elapsed: seconds since the loss.
        paused: whether on-call had been alerted meanwhile.
    """

    operation: str
    elapsed: float
    paused: bool


@dataclass(frozen=True, slots=True)
class OperationsPaused:
    """A lost database did not come back in time: on-call was alerted, and work waits until it does.

    Args:
        operation: what had noticed the loss.
        tries: how many there were to reconnect.
    """

    operation: str
    tries: int


EVENTS = (
    AttemptFailed,
    RetriesSucceeded,
    GaveUp,
    AttemptAbandoned,
    CircuitOpened,
    CircuitHalfOpened,
    CircuitClosed,
    CallRejected,
    ServedDegraded,
    CheckpointDamageFound,
    DatabaseLost,
    DatabaseRecovered,
    OperationsPaused,
)

_subscribers: tuple[Listener, ...] = ()


def subscribe(listener: Listener) -> Callable[[], None]:
    """Tell this listener every event of this process; return a function that ends it, safe to call twice."""
    global _subscribers  # noqa: PLW0603 - replaced whole, so that readers need no lock
    _subscribers = (*_subscribers, listener)

    def unsubscribe() -> None:
        global _subscribers  # noqa: PLW0603
        _subscribers = tuple(one for one in _subscribers if one is not listener)

    return unsubscribe


def tell(listeners: Iterable[Listener], event: object) -> None:
    """Tell each listener, and each subscriber, one event; a broken one is logged and changes nothing else."""
    for listener in (*listeners, *_subscribers):
        try:
            listener(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller's operation goes on
            _report(listener, event, error)


def _report(listener: Listener, event: object, error: Exception) -> None:
    """Log which listener is broken, without the event's data."""
    import logging  # noqa: PLC0415 - 8 ms that an untroubled program need not pay

    logging.getLogger("pytest_resilience").error(
        "listener %r failed with %s on %s; mend or remove it, the operation went on",
        listener,
        type(error).__name__,
        type(event).__name__,
    )
