"""Serve one model: the one in charge while the registry answers, else the last good one, else a rule."""

from __future__ import annotations

import logging
import math
from concurrent.futures import Future
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError, ResilienceError, RetryableError
from pytest_resilience.runtime.breaker import CircuitBreaker
from pytest_resilience.runtime.error_log import StructuredErrorLogger
from pytest_resilience.runtime.models.fallback import FALLBACKS, FallbackRegistry, Rule
from pytest_resilience.runtime.models.files import LoadedModel
from pytest_resilience.runtime.models.health import examine
from pytest_resilience.runtime.models.loader import ChampionLoader
from pytest_resilience.runtime.models.prediction import Prediction
from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.models.single_flight import SingleFlight

_log = logging.getLogger("pytest_resilience.models")


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
        errors: where failures are logged, and alerted from.
        clock: where time comes from.
    """

    def __init__(  # noqa: PLR0913 - each is one dial with a default
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
        errors: StructuredErrorLogger | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if deadline <= 0 or refresh <= 0:
            raise ValueError(f"deadline and refresh must be above 0 seconds, not {deadline} and {refresh}")
        self.model_name = model_name
        self.registry = registry or ModelRegistry(timeout=deadline / 2)
        self.fallbacks = fallbacks
        self.errors = errors or StructuredErrorLogger("pytest_resilience.models.errors")
        if rule is not None:
            fallbacks.register(model_name, rule)
        self._deadline = deadline
        self._refresh = refresh
        self._clock = clock
        self._serving: LoadedModel | None = None
        self._next_look = clock.monotonic()
        self._falls_back = False
        self._loader = ChampionLoader(
            model_name, self.registry, breaker=breaker, max_retries=max_retries, base_delay=base_delay
        )
        self._guarded = self._flight(guarded=True)
        self._unguarded = self._flight(guarded=False)

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
        if self._falls_back:
            self._falls_back = False
            _log.info(
                "predicting by model again", extra={"model": self.model_name, "version": serving.version}
            )
        return Prediction(output, self.model_name, serving.version)

    def warm_up(self) -> Future[LoadedModel]:
        """Begin to load the version in charge, if it is not in memory; whoever wants to can wait for it."""
        return self._guarded.start()

    def reload(self, *, timeout: float = 60.0) -> str:
        """Load the version that is in charge now, whatever is in memory, end the fallback, and return it.

        Args:
            timeout: seconds that it may take; no prediction waits for it, so it is longer than the deadline.

        Raises:
            ResilienceError: it cannot be had, in time and healthy; what is in memory stays in use.
        """
        return self._load(self._unguarded, timeout).version

    def answers(self) -> bool:
        """Return whether what is in memory answers its own sample."""
        serving = self._serving
        if serving is None or serving.sample is None:
            return False
        try:
            examine(serving.model.predict, serving.sample, latency_limit=math.inf, calls=1)
        except ResilienceError as error:
            self._log_error(error, "check the model in memory")
            return False
        return True

    def _flight(self, *, guarded: bool) -> SingleFlight[LoadedModel]:
        return SingleFlight(
            lambda: self._install(guarded=guarded),
            name=f"Loading model {self.model_name!r}",
            clock=self._clock,
        )

    def _install(self, *, guarded: bool) -> LoadedModel:
        loaded = self._loader.champion(self._serving if guarded else None, guarded=guarded)
        self._serving = loaded
        self._look_again_later()
        return loaded

    def _load(self, flight: SingleFlight[LoadedModel], timeout: float) -> LoadedModel:
        loaded = flight.join(timeout)
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
            return self._load(self._guarded, self._deadline)
        if serving is None:
            return self._guarded.join(self._deadline)
        if now >= self._next_look:
            # Nobody waits for this one: the model in memory answers meanwhile.
            self._look_again_later()
            self._guarded.start()
        return serving

    def _look_again_later(self) -> None:
        self._next_look = self._clock.monotonic() + self._refresh

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
            rule = self.fallbacks.rule(self.model_name)
        except FatalError as error:
            raise error from cause
        if not self._falls_back:
            self._falls_back = True
            self._log_error(cause, "predict by rule")
        return Prediction(rule(rows), self.model_name, None, degraded=True, reason=str(cause))

    def _log_error(self, error: ResilienceError, operation: str) -> None:
        context = {"operation": operation, "resource": self.model_name, "component": "ml_model"}
        self.errors.log_error(error, context, "HIGH")
