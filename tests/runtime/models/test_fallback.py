"""Fallback rules belong to models by name, and are switched on one by one."""

from __future__ import annotations

import pytest

from pytest_resilience import FatalError
from pytest_resilience.runtime.models.fallback import FallbackRegistry


def rule(rows):
    """Answer nothing for each row."""
    return [0.0 for _ in rows]


@pytest.fixture
def fallbacks():
    """A registry of its own."""
    return FallbackRegistry()


def test_a_rule_is_off_until_it_is_switched_on(fallbacks):
    """To know a rule is not to use it."""
    fallbacks.register("icu", rule)

    before = fallbacks.enabled_since("icu")
    fallbacks.enable("icu")

    assert before is None
    assert fallbacks.enabled_since("icu") is not None


def test_switching_off_is_safe_twice(fallbacks):
    """A rule that is off can be switched off."""
    fallbacks.register("icu", rule)
    fallbacks.enable("icu")

    fallbacks.disable("icu")
    fallbacks.disable("icu")

    assert fallbacks.enabled_since("icu") is None


def test_a_model_without_a_rule_cannot_fall_back(fallbacks):
    """The message names the model, and those that have a rule."""
    fallbacks.register("other", rule)

    with pytest.raises(FatalError, match=r"'icu' has no fallback rule .*\['other'\]"):
        fallbacks.enable("icu")


def test_all_of_nothing_is_an_error(fallbacks):
    """Switching on every rule needs one."""
    with pytest.raises(FatalError, match="No model has a fallback rule"):
        fallbacks.enable_all()


def test_all_are_named(fallbacks):
    """Switching on every rule says which ones."""
    fallbacks.register("b", rule)
    fallbacks.register("a", rule)

    assert fallbacks.enable_all() == ("a", "b")


def test_nonsense_is_refused(fallbacks):
    """A rule is a function, and a model has a name."""
    with pytest.raises(TypeError, match="must be callable"):
        fallbacks.register("icu", "rule")
    with pytest.raises(ValueError, match="must name a model"):
        fallbacks.register("", rule)
