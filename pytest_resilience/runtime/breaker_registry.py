"""Breakers by the name of what they protect: one each in this process, and not without limit."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

from pytest_resilience.runtime.arguments import whole_number
from pytest_resilience.runtime.breaker import CircuitBreaker, CircuitState
from pytest_resilience.runtime.forks import renew_in_child


class BreakerRegistry:
    """Hand out one breaker for each name, safe for threads.

    Args:
        capacity: breakers that are kept. Beyond that the closed one unused for longest is forgotten, or, if none is
            closed, the one unused for longest; who holds it may go on using it.
        settings: of each new breaker, see `CircuitBreaker`.
    """

    def __init__(self, capacity: int = 1000, **settings: Any) -> None:
        self._capacity = whole_number("capacity", capacity, least=1)
        self._settings = settings
        self._breakers: OrderedDict[str, CircuitBreaker] = OrderedDict()
        self._lock = Lock()
        renew_in_child(self, _lock=Lock)
        CircuitBreaker(**settings)  # refuses nonsense here, not at the first call in production

    def get(self, name: str) -> CircuitBreaker:
        """Return the breaker for a name, a new one at the first time."""
        with self._lock:
            if name not in self._breakers:
                self._make_room()
                self._breakers[name] = CircuitBreaker(**{"name": name, **self._settings})
            self._breakers.move_to_end(name)
            return self._breakers[name]

    def describe(self) -> list[dict[str, Any]]:
        """Return name, state and settings of every breaker, for a health page."""
        with self._lock:
            breakers = list(self._breakers.values())
        return [breaker.describe() for breaker in breakers]

    def __len__(self) -> int:
        return len(self._breakers)

    def _make_room(self) -> None:
        if len(self._breakers) < self._capacity:
            return
        closed = (name for name, one in self._breakers.items() if one.state is CircuitState.CLOSED)
        del self._breakers[next(closed, next(iter(self._breakers)))]
