"""Load the version in charge of a model, healthy: again where that may help, and not from a registry that is away."""

from __future__ import annotations

import logging
import math
from typing import Any

from pytest_resilience.errors import CircuitBreakerOpenError, ResilienceError
from pytest_resilience.events import GaveUp
from pytest_resilience.runtime.breaker import CircuitBreaker
from pytest_resilience.runtime.listeners.logging import log_event
from pytest_resilience.runtime.models.files import LoadedModel
from pytest_resilience.runtime.models.health import examine
from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.retry import retry_with_exponential_backoff

_log = logging.getLogger("pytest_resilience.models")


class ChampionLoader:
    """Load one model, in the order: retry, breaker, registry.

    Args:
        model_name: the registered model.
        registry: where it is registered.
        breaker: what stops asking after failures of any kind, and tries again later.
        max_retries: how often a failed load is repeated.
        base_delay: seconds before the first of them; they double.
    """

    def __init__(
        self,
        model_name: str,
        registry: ModelRegistry,
        *,
        breaker: CircuitBreaker | None = None,
        max_retries: int = 2,
        base_delay: float = 0.2,
    ) -> None:
        self.model_name = model_name
        self.registry = registry
        self._breaker = breaker or CircuitBreaker(
            expected_exception=ResilienceError, name=f"the registry of model {model_name!r}"
        )
        self._max_retries = max_retries
        self._base_delay = base_delay

    def champion(self, current: LoadedModel | None, *, guarded: bool) -> LoadedModel:
        """Return the version in charge: the one in memory where it still is, else loaded and proven to answer.

        Args:
            current: what is in memory; None to load it in any case.
            guarded: let the breaker refuse; a recovery that somebody asked for is not refused.
        """

        def load() -> LoadedModel:
            version = self.registry.champion(self.model_name)
            if current is not None and current.version == version:
                return current
            return self.version(version)

        return retry_with_exponential_backoff(
            (lambda: self._breaker.call(load)) if guarded else load,
            max_retries=self._max_retries,
            base_delay=self._base_delay,
            operation=f"loading model {self.model_name!r}",
            listeners=(_log_unless_refused,),
        )

    def version(self, version: str) -> LoadedModel:
        """Load a given version and prove that it answers, where it was logged with an input example."""
        loaded = self.registry.load(self.model_name, version)
        if loaded.sample is not None:
            # How quick it is was judged when it was deployed; a busy server must not refuse its own model.
            examine(loaded.model.predict, loaded.sample, latency_limit=math.inf, calls=1)
        _log.info("model loaded", extra={"model": self.model_name, "version": version})
        return loaded


def _log_unless_refused(event: Any) -> None:
    """Log what happens to a load, but not each prediction that an open breaker keeps from trying one."""
    if not (isinstance(event, GaveUp) and isinstance(event.error, CircuitBreakerOpenError)):
        log_event(event)
