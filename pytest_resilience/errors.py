"""The error tree: every exception that this project raises has one root, and carries its facts as attributes.

    ResilienceError
    ├── RetryableError             may succeed when tried again
    │   └── AttemptTimeoutError       one attempt took longer than it may (also a TimeoutError)
    ├── FatalError                 will not succeed when tried again
    │   └── CheckpointDamagedError    no intact copy of a checkpoint is left
    ├── BusinessLogicError         a rule about data or models is broken
    ├── CircuitBreakerOpenError    a breaker refused the call
    ├── DeadlineExceededError      the whole operation's time is over (also a TimeoutError)
    ├── HealthCheckFailed          a deployed model failed its health check
    └── HarnessError               the test harness could not do its own work

Source: policy §2. Every message says what failed, where, and what to do next.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad an error is; sorts from `CRITICAL` to `INFO` in declaration order (policy §1)."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFO = "INFO"


class ResilienceError(Exception):
    """The root of all exceptions of this project."""

    severity: Severity = Severity.HIGH
    """How bad an error of this class is, unless the code that handles it knows better (policy §1)."""


class RetryableError(ResilienceError):
    """Say that the operation may succeed when it is tried again (policy §2).

    Args:
        retry_after: seconds to wait before the next attempt, where the other side said so.
    """

    severity = Severity.MEDIUM

    def __init__(self, *args: object, retry_after: float | None = None) -> None:
        super().__init__(*args)
        self.retry_after = retry_after


class AttemptTimeoutError(RetryableError, TimeoutError):
    """Say that one attempt took longer than it may, and whether it took effect is unknown.

    Args:
        limit: seconds that it had.
    """

    def __init__(self, *args: object, limit: float | None = None, retry_after: float | None = None) -> None:
        super().__init__(*args, retry_after=retry_after)
        self.limit = limit


class FatalError(ResilienceError):
    """Say that the operation will not succeed when it is tried again (policy §2)."""


class CheckpointDamagedError(FatalError):
    """Refuse to guess: a checkpoint exists, and no intact copy of it is left (policy §4)."""

    severity = Severity.CRITICAL


class BusinessLogicError(ResilienceError):
    """Say that a rule about data or models is broken (policy §2).

    Args:
        rule: the rule's name, for example `data_quality_score`.
        value: what was measured.
        threshold: what the rule asks for.
    """

    def __init__(
        self, *args: object, rule: str | None = None, value: Any = None, threshold: Any = None
    ) -> None:
        super().__init__(*args)
        self.rule = rule
        self.value = value
        self.threshold = threshold

    def __str__(self) -> str:
        if self.args or self.rule is None:
            return super().__str__()
        return (
            f"The rule {self.rule} is broken: {self.value!r} was measured, and it asks for {self.threshold!r}. "
            f"Mend the data or the model before it is used."
        )


class CircuitBreakerOpenError(ResilienceError):
    """Say that a breaker refused the call (policy §3).

    Without a message it says so itself, and only when asked: a breaker refuses many calls, few are read.

    Args:
        retry_after: seconds until the breaker lets the next trial call through.
        breaker: the breaker's name.
    """

    severity = Severity.MEDIUM
    retry_after: float = 0.0
    breaker: str | None = None

    def __init__(self, *args: object, retry_after: float = 0.0, breaker: str | None = None) -> None:
        super().__init__(*args)
        self.retry_after = retry_after
        self.breaker = breaker

    def __str__(self) -> str:
        if self.args:
            return super().__str__()
        which = f"Breaker {self.breaker!r}" if self.breaker else "The circuit breaker"
        return (
            f"{which} is open, so the call was not made. The next trial call may go through in "
            f"{self.retry_after:.3g} s; until then use a fallback, and see why the dependency fails."
        )


class DeadlineExceededError(ResilienceError, TimeoutError):
    """Say that the time of a whole operation is over; whether what ran last took effect is unknown.

    Args:
        limit: seconds that the operation had.
    """

    def __init__(self, *args: object, limit: float | None = None) -> None:
        super().__init__(*args)
        self.limit = limit


class HealthCheckFailed(ResilienceError):  # noqa: N818 - the policy's name
    """Say which health check of a deployed model failed (policy §4).

    Args:
        check: the check's name: `loads`, `latency`, `output`.
        value: what was measured.
        limit: what the check allows.
    """

    def __init__(self, *args: object, check: str | None = None, value: Any = None, limit: Any = None) -> None:
        super().__init__(*args)
        self.check = check
        self.value = value
        self.limit = limit

    def __str__(self) -> str:
        if self.args or self.check is None:
            return super().__str__()
        return (
            f"The model failed its health check {self.check}: {self.value!r} was measured, and {self.limit!r} is "
            f"allowed. Keep the version before it in charge."
        )


class HarnessError(ResilienceError):
    """Say that the test harness could not do its own work: this is never the tested code's fault."""
