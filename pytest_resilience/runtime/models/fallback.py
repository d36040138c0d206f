"""Rules that predict without a model, by the model's name, and which models they stand in for now."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeAlias

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.forks import renew_in_child

Rule: TypeAlias = Callable[[Any], Any]
"""Takes the rows that the model would get and returns what it would return, one prediction a row."""


class FallbackRegistry:
    """Which models have a rule, and for which of them the rule is switched on."""

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._lock = Lock()
        renew_in_child(self, _lock=Lock)
        self._rules: dict[str, Rule] = {}
        self._enabled: dict[str, float] = {}

    def register(self, model_name: str, rule: Rule) -> None:
        """Give a model its rule, without switching it on."""
        if not model_name:
            raise ValueError(f"model_name must name a model, not {model_name!r}")
        if not callable(rule):
            raise TypeError(f"the fallback rule of model {model_name!r} must be callable, not {rule!r}")
        with self._lock:
            self._rules[model_name] = rule

    def rule(self, model_name: str) -> Rule:
        """Return a model's rule.

        Raises:
            FatalError: it has none.
        """
        with self._lock:
            rule = self._rules.get(model_name)
            known = sorted(self._rules)
        if rule is None:
            raise FatalError(
                f"Model {model_name!r} has no fallback rule in this process (rules: {known or 'none'}). "
                "Give it one: enable_fallback_predictions(model_name, rule=...)."
            )
        return rule

    def has_rule(self, model_name: str) -> bool:
        """Return whether a model has a rule."""
        with self._lock:
            return model_name in self._rules

    def enable(self, model_name: str) -> None:
        """Let a model's rule predict from now on.

        Raises:
            FatalError: the model has no rule.
        """
        self.rule(model_name)
        with self._lock:
            self._enabled[model_name] = self._clock.monotonic()

    def enable_all(self) -> tuple[str, ...]:
        """Let every rule predict, and return the names of the models.

        Raises:
            FatalError: no model has a rule.
        """
        with self._lock:
            self._enabled.update(dict.fromkeys(self._rules, self._clock.monotonic()))
            names = tuple(sorted(self._rules))
        if not names:
            raise FatalError(
                "No model has a fallback rule in this process, so none can be switched on. "
                "Give one: enable_fallback_predictions(model_name, rule=...)."
            )
        return names

    def disable(self, model_name: str) -> None:
        """Let the model predict again; harmless where its rule was not switched on."""
        with self._lock:
            self._enabled.pop(model_name, None)

    def enabled_since(self, model_name: str) -> float | None:
        """Return when the rule was switched on for the model, by the monotonic clock; None: off."""
        with self._lock:
            return self._enabled.get(model_name)


FALLBACKS = FallbackRegistry()
"""The rules of this process; every model server of a name shares them."""
