"""The four business rules of §2."""

from __future__ import annotations

import math

import pytest

from pytest_resilience import BusinessLogicError
from pytest_resilience.runtime import rules


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [
        (rules.data_quality_score, 0.90),
        (rules.model_auroc, 0.75),
        (rules.feature_completeness, 0.70),
        (rules.prediction_confidence, 0.50),
    ],
)
def test_a_rule_is_broken_below_its_threshold(rule, threshold):
    """At the threshold it holds; the error carries rule, value and threshold, and says what to do."""
    assert threshold == rule(threshold)
    with pytest.raises(BusinessLogicError, match=f"{rule.name} of stays is .*{rule.advice}") as caught:
        rule(threshold - 0.01, where="stays")

    error = caught.value
    assert (rule.name, threshold - 0.01, threshold) == (error.rule, error.value, error.threshold)


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.8, "0.8"), (0.89999, "0.89999"), (0.9 - 1e-12, "0.899999999999"), (math.nan, "nan")],
)
def test_what_is_too_little_does_not_read_like_enough(value, said):
    """However close it is."""
    with pytest.raises(BusinessLogicError, match=f"is {said}, and must be at least 0.9\\. "):
        rules.data_quality_score(value)


def test_nothing_measured_is_nothing_proven():
    """NaN breaks every rule."""
    assert [rule.holds(float("nan")) for rule in rules.BUSINESS_RULES] == [False] * 4


def test_a_rule_can_have_another_threshold():
    """The policy's own stays as it is."""
    strict = rules.data_quality_score.with_threshold(0.99)

    assert (strict.holds(0.95), rules.data_quality_score.holds(0.95)) == (False, True)


@pytest.mark.parametrize(("value", "error"), [(93, ValueError), (-0.1, ValueError), ("0.9", TypeError)])
def test_a_percentage_or_worse_is_refused(value, error):
    """93 for 93 % would pass every rule."""
    with pytest.raises(error, match="data_quality_score"):
        rules.data_quality_score(value)


def test_a_threshold_is_from_0_to_1():
    """It is refused when the rule is made."""
    with pytest.raises(ValueError, match="90"):
        rules.data_quality_score.with_threshold(90)
