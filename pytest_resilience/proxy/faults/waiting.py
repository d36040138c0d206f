"""Something that is stopped until a time has passed or its fault is healed, whichever is first."""

from __future__ import annotations

from collections.abc import Callable

from pytest_resilience.proxy.faults.fault import Fault

CallLater = Callable[[float, Callable[[], object]], Callable[[], None]]


class Waiting:
    """Wait, and go on once.

    Args:
        fault: whose healing ends the wait.
        healed: what is done then.
        over: told when the wait has ended, however it did.
    """

    def __init__(self, fault: Fault, healed: Callable[[], None], over: Callable[[Waiting], None]) -> None:
        self._healed = healed
        self._over = over
        self._forget = fault.holds(self._heal)
        self._cancel: Callable[[], None] | None = None
        self._ended = False

    def until(self, call_later: CallLater, seconds: float, due: Callable[[], None]) -> None:
        """End the wait after so many seconds from now; replaces what was said before."""
        if self._cancel is not None:
            self._cancel()
        self._cancel = call_later(seconds, lambda: self.end(due))

    def end(self, then: Callable[[], None] | None = None) -> None:
        """End the wait; safe to call twice."""
        if self._ended:
            return
        self._ended = True
        if self._cancel is not None:
            self._cancel()
        self._forget()
        self._over(self)
        if then is not None:
            then()

    def _heal(self) -> None:
        self.end(self._healed)
