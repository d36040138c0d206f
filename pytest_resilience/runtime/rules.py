"""The four business rules of the policy (§2): floors under data quality, models and predictions.

Each is called with what was measured, returns it when it is good enough, and raises `BusinessLogicError` otherwise.
A rule with another floor is `data_quality_score.with_threshold(0.95)`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_resilience.errors import BusinessLogicError
from pytest_resilience.runtime.arguments import fraction


@dataclass(frozen=True, slots=True)
class Rule:
    """A floor under a number from 0 to 1.

    Args:
        name: of what is measured.
        threshold: the least that is good enough.
        advice: what to do when it is not reached.
    """

    name: str
    threshold: float
    advice: str

    def __post_init__(self) -> None:
        fraction("threshold", self.threshold)

    def __call__(self, value: float, *, where: str | None = None) -> float:
        """Return the value if it reaches the threshold.

        Args:
            value: what was measured, from 0 to 1.
            where: what it was measured on, for the message.

        Raises:
            BusinessLogicError: it does not; neither does NaN.
            ValueError: it is not from 0 to 1.
        """
        if value != value:  # noqa: PLR0124 - NaN: nothing was measured, so nothing is proven
            raise self._broken(value, where)
        if fraction(self.name, value) < self.threshold:
            raise self._broken(value, where)
        return value

    def holds(self, value: float) -> bool:
        """Return whether the value reaches the threshold."""
        try:
            self(value)
        except BusinessLogicError:
            return False
        return True

    def with_threshold(self, threshold: float) -> Rule:
        """Return the same rule with another floor."""
        return replace(self, threshold=threshold)

    def _broken(self, value: float, where: str | None) -> BusinessLogicError:
        place = f" of {where}" if where else ""
        return BusinessLogicError(
            f"{self.name}{place} is {_below(value, self.threshold)}, and must be at least {self.threshold:.4g}. "
            f"{self.advice}",
            rule=self.name,
            value=value,
            threshold=self.threshold,
        )


def _below(value: float, threshold: float) -> str:
    """Return a number with as many digits as it takes to see that it is less."""
    return next((text for digits in (4, 8) if float(text := f"{value:.{digits}g}") != threshold), repr(value))


data_quality_score = Rule(
    "data_quality_score", 0.90, "Look at the rejected rows, and load the source again when it is mended."
)
model_auroc = Rule("model_auroc", 0.75, "Do not deploy this model; look at its training data and features.")
feature_completeness = Rule("feature_completeness", 0.70, "Find out which source left the features empty.")
prediction_confidence = Rule("prediction_confidence", 0.50, "Do not act on this prediction; ask a person.")

BUSINESS_RULES = (data_quality_score, model_auroc, feature_completeness, prediction_confidence)
"""The policy's rules, with its thresholds."""
