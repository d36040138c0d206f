"""Serve one model: the one in charge while the registry answers, else the last good one, else a rule."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import CircuitBreakerOpenError, FatalError, ResilienceError, RetryableError
from pytest_resilience.events import GaveUp
from pytest_resilience.runtime.breaker import CircuitBreaker
from pytest_resilience.runtime.listeners.logging import log_event
from pytest_resilience.runtime.models.fallback import FALLBACKS, FallbackRegistry, Rule
from pytest_resilience.runtime.models.health import examine
from pytest_resilience.runtime.models.registry import LoadedModel, ModelRegistry
from pytest_resilience.runtime.models.single_flight import SingleFlight
from pytest_resilience.runtime.retry import retry_with_exponential_backoff

_log = logging.getLogger("pytest_resilience.serving")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model, or the rule in its place, says of some rows.

    Args:
        output: one prediction a row.
        model_name: the model that was asked.
        model_version: the version that answered; None when the rule did.
        degraded: True when the rule answered.
        reason: why the rule answered.
    """

    output: Any
    model_name: str
    model_version: str | None
    degraded: bool = False
    reason: str | None = None


class ModelServer:
    """Predict with the version in charge of a model, and go on predicting when the registry is gone.

    A model that is in memory stays in use while the registry is away. With none in memory the fallback rule
    answers, marked as degraded, until a load succeeds: each prediction tries one, if the breaker lets it.

    Args:
        model_name: the registered model.
        registry: where it is registered.
        rule: the fallback rule; default: the one that the process has for this model.
        deadline: seconds that a prediction waits at most for the registry.
        refresh: seconds between two looks at which version is in charge, while a model or its rule serves.
        breaker: what stops asking a registry that keeps failing.
        max_retries: how often a failed look is repeated within one load.
        base_delay: seconds before the first of them; they double.
        fallbacks: the rules, shared by all servers of the process.
    """

    def __init__(
        self,
        model_name: str,
        *,
        registry: ModelRegistry | None = None,
        rule: Rule | None = None,
        deadline: float = 5.0,
        refresh: float = 30.0,
        breaker: CircuitBreaker | None = None,
        max_retries: int = 2,
        base_delay: float = 0.2,
        fallbacks: FallbackRegistry = FALLBACKS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if deadline <= 0 or refresh <= 0:
            raise ValueError(f"deadline and refresh must be above 0 seconds, not {deadline} and {refresh}")
        self.model_name = model_name
        self.registry = registry or ModelRegistry(timeout=deadline / 2)
        self.fallbacks = fallbacks
        if rule is not None:
            fallbacks.register(model_name, rule)
        self._deadline = deadline
        self._refresh = refresh
        self._breaker = breaker or CircuitBreaker(expected_exception=RetryableError)
        self._max_retries = max_retries
        self._base_delay = base_delay
        self._clock = clock
        self._serving: LoadedModel | None = None
        self._by_rule_since: ResilienceError | None = None
        self._next_look = clock.monotonic()
        self._flight = SingleFlight(self._load_champion, name=f"Loading model {model_name!r}", clock=clock)

    @property
    def version(self) -> str | None:
        """The version in memory, or None."""
        serving = self._serving
        return serving.version if serving else None

    @property
    def degraded(self) -> bool:
        """Whether the next prediction is the rule's, as far as is known."""
        return self._serving is None or self.fallbacks.enabled_since(self.model_name) is not None

    def predict(self, rows: Any) -> Prediction:
        """Predict, with the model or with its rule.

        Raises:
            FatalError: the rows do not fit the model, or there is neither a model nor a rule.
        """
        try:
            serving = self._in_charge()
        except ResilienceError as error:
            return self._by_rule(rows, error)
        output = self._by_model(serving, rows)
        self._note_model_answers()
        return Prediction(output, self.model_name, serving.version)

    def reload(self, *, timeout: float = 60.0) -> str:
        """Load the version that is in charge now, end the fallback, and return the version.

        Args:
            timeout: seconds that it may take; nobody waits for a prediction meanwhile, so it is longer.

        Raises:
            ResilienceError: it cannot be had, in time and healthy; what is in memory stays in use.
        """
        return self._reload(timeout).version

    def restore(self, version: str, *, timeout: float = 60.0) -> None:
        """Serve a given version instead of the one in charge, and end the fallback.

        Args:
            version: the version to serve.
            timeout: seconds that it may take.

        Raises:
            ResilienceError: it cannot be had, in time and healthy.
        """
        flight = SingleFlight(lambda: self._install(version), name=f"Restoring model {self.model_name!r}")
        flight.join(timeout)
        self.fallbacks.disable(self.model_name)

    def _reload(self, timeout: float) -> LoadedModel:
        loaded = self._flight.join(timeout)
        self.fallbacks.disable(self.model_name)
        return loaded

    def _in_charge(self) -> LoadedModel:
        serving = self._serving
        now = self._clock.monotonic()
        since = self.fallbacks.enabled_since(self.model_name)
        if since is not None:
            if now < max(self._next_look, since + self._refresh):
                raise RetryableError(f"Fallback predictions are switched on for model {self.model_name!r}.")
            self._look_again_later()
            return self._reload(self._deadline)
        if serving is None:
            return self._flight.join(self._deadline)
        if now >= self._next_look:
            # Nobody waits for this one: the model in memory answers meanwhile.
            self._look_again_later()
            self._flight.start()
        return serving

    def _look_again_later(self) -> None:
        self._next_look = self._clock.monotonic() + self._refresh

    def _load_champion(self) -> LoadedModel:
        return retry_with_exponential_backoff(
            lambda: self._breaker.call(self._load_once),
            max_retries=self._max_retries,
            base_delay=self._base_delay,
            operation=f"loading model {self.model_name!r}",
            listeners=(_log_unless_refused,),
        )

    def _load_once(self) -> LoadedModel:
        version = self.registry.champion(self.model_name)
        serving = self._serving
        if serving is not None and serving.version == version:
            self._look_again_later()
            return serving
        return self._install(version)

    def _install(self, version: str) -> LoadedModel:
        loaded = self.registry.load(self.model_name, version)
        if loaded.sample is not None:
            # How quick it is was judged when it was deployed; a busy server must not refuse its own model.
            examine(loaded.model.predict, loaded.sample, latency_limit=math.inf, calls=1)
        self._serving = loaded
        self._look_again_later()
        _log.info("model loaded", extra={"model": self.model_name, "version": version})
        return loaded

    def _by_model(self, serving: LoadedModel, rows: Any) -> Any:
        try:
            return serving.model.predict(rows)
        except Exception as error:
            raise FatalError(
                f"Model {self.model_name!r} version {serving.version} refused the rows "
                f"with {type(error).__name__}. Do they fit its signature?"
            ) from error

    def _by_rule(self, rows: Any, cause: ResilienceError) -> Prediction:
        try:
            rule: Callable[[Any], Any] = self.fallbacks.rule(self.model_name)
        except FatalError as error:
            raise error from cause
        if self._by_rule_since is None:
            self._by_rule_since = cause
            _log.error(
                "predicting by rule: %s",
                cause,
                extra={"operation": "predict", "model": self.model_name, "error_type": type(cause).__name__},
            )
        return Prediction(rule(rows), self.model_name, None, degraded=True, reason=str(cause))

    def _note_model_answers(self) -> None:
        if self._by_rule_since is not None:
            self._by_rule_since = None
            _log.info("predicting by model again", extra={"model": self.model_name, "version": self.version})


def _log_unless_refused(event: Any) -> None:
    """Log what happens to a load, but not each prediction that an open breaker keeps from trying one."""
    if not (isinstance(event, GaveUp) and isinstance(event.error, CircuitBreakerOpenError)):
        log_event(event)
