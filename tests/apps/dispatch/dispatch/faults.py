"""The errors of this job, and how long it is patient with them."""

import logging
import random
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import backoff

log = logging.getLogger("dispatch")
F = TypeVar("F", bound=Callable[..., Any])

TRIES, BASE, CAP = 5, 0.2, 3.0


class DispatchError(Exception):
    """A service did not do what was asked: which one, what, and the code that it gave."""

    def __init__(self, service: str, action: str, code: str | None) -> None:
        super().__init__(
            f"{action} failed at {service}: {'code ' + code if code else 'it could not be reached'}"
        )
        self.service = service
        self.action = action
        self.code = code


class PassingError(DispatchError):
    """It may do it later, `after` seconds from now at the earliest."""

    after = 0.0


def _waits() -> Generator[float | None, Exception, None]:
    """Yield doubling waits with jitter, never less than what the service asks for."""
    error = yield None
    longest = BASE
    while True:
        asked = getattr(error, "after", 0.0)
        error = yield max(asked, random.uniform(0.5, 1.0) * longest)
        longest = min(CAP, 2 * longest)


def _tell(details: Any) -> None:
    error = details["exception"]
    log.warning("not done yet, will be tried again", extra={"about": error, "attempt": details["tries"]})


def patient(function: F) -> F:
    """Try a function again while its errors may pass."""
    decorate = backoff.on_exception(
        _waits, PassingError, max_tries=TRIES, jitter=None, on_backoff=_tell, logger=None
    )
    return decorate(function)
