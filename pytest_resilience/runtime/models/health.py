"""Judge a loaded model by one request: it answers, in time, with one sane prediction a row (policy §4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import HealthCheckFailed, ResilienceError, RetryableError
from pytest_resilience.runtime.arguments import seconds, whole_number
from pytest_resilience.runtime.models.output import check_output, numbers_in
from pytest_resilience.runtime.models.single_flight import SingleFlight

LATENCY_LIMIT = 0.2
"""Seconds that one prediction may take (policy §4: < 200 ms)."""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What a healthy model measured.

    Args:
        latency: the median of the measured calls, in seconds.
        output: what it predicted for the sample.
    """

    latency: float
    output: Any


@dataclass(frozen=True, slots=True)
class GoldenRequest:
    """A request whose right answer is known.

    Args:
        rows: what to send.
        expected: the numbers that must come back, in order.
        tolerance: by how much each may differ.

    Raises:
        TypeError, ValueError: the answer that is expected is not made of finite numbers, or the tolerance is none.
    """

    rows: Any
    expected: Sequence[float]
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must be 0 or more, got {self.tolerance!r}")
        for number in self.expected:
            try:
                is_finite = math.isfinite(number)
            except TypeError:
                raise TypeError(f"expected must be numbers in a flat list, got {number!r}") from None
            if not is_finite:
                raise ValueError(f"expected must be finite numbers, got {number!r}")


def examine(
    predict: Callable[[Any], Any],
    sample: Any,
    *,
    latency_limit: float = LATENCY_LIMIT,
    calls: int = 5,
    patience: float = 10.0,
    clock: Clock = SYSTEM_CLOCK,
) -> HealthReport:
    """Send a model the sample and judge its answer.

    Args:
        predict: the model's prediction function.
        sample: what to send.
        latency_limit: the median call must take less than so many seconds.
        calls: how many calls are timed, after one that warms the model up.
        patience: seconds after which a call that does not end counts as hanging.
        clock: what times the calls.

    Raises:
        HealthCheckFailed: which check failed, with what was measured and what is allowed.
    """
    require_terms(latency_limit=latency_limit, calls=calls)
    if sample is None:
        raise HealthCheckFailed(
            "The model cannot be checked: it was logged without an input example, and no sample was given. "
            "Pass sample=, or log the model with input_example=.",
            check="sample",
        )
    output = _answer(predict, sample, patience)
    check_output(output, sample)
    latency = median(_timed(predict, sample, patience, clock) for _ in range(calls))
    if not latency < latency_limit:
        raise HealthCheckFailed(
            f"One prediction takes {latency * 1000:.0f} ms (median of {calls} after a warm-up); less than "
            f"{latency_limit * 1000:.0f} ms is required. Deploy a faster model, or raise latency_limit.",
            check="latency",
            value=latency,
            limit=latency_limit,
        )
    return HealthReport(latency, output)


def require_terms(
    *, latency_limit: float = LATENCY_LIMIT, calls: int = 1, golden: Sequence[GoldenRequest] = ()
) -> None:
    """Refuse terms of a check that make no sense: a model would be found unfit for them.

    Raises:
        TypeError, ValueError: which one, and what it is.
    """
    seconds("latency_limit", latency_limit, finite=False, zero=False)
    whole_number("calls", calls, least=1)
    for request in golden:
        if not isinstance(request, GoldenRequest):
            raise TypeError(f"golden must be requests such as GoldenRequest(rows, expected), got {request!r}")


def check_golden(predict: Callable[[Any], Any], golden: GoldenRequest, *, patience: float = 10.0) -> None:
    """Send a golden request.

    Raises:
        HealthCheckFailed: the answer is not the right one.
    """
    output = list(numbers_in(_answer(predict, golden.rows, patience)))
    wrong = len(output) != len(golden.expected) or any(
        not abs(number - right) <= golden.tolerance
        for number, right in zip(output, golden.expected, strict=True)
    )
    if wrong:
        raise HealthCheckFailed(
            f"The model answered a golden request with {_shortened(output)} instead of "
            f"{_shortened(golden.expected)} (tolerance {golden.tolerance:g}). Do not deploy it.",
            check="golden",
            value=output,
            limit=list(golden.expected),
        )


def _shortened(numbers: Sequence[float]) -> str:
    shown = ", ".join(f"{number:g}" for number in numbers[:5])
    return f"[{shown}{', …' if len(numbers) > 5 else ''}]"


def _timed(predict: Callable[[Any], Any], sample: Any, patience: float, clock: Clock) -> float:
    began = clock.monotonic()
    _answer(predict, sample, patience)
    return clock.monotonic() - began


def _answer(predict: Callable[[Any], Any], sample: Any, patience: float) -> Any:
    try:
        return SingleFlight(lambda: predict(sample), name="Predicting the sample").join(patience)
    except RetryableError as error:
        raise HealthCheckFailed(
            f"The model did not answer the sample within {patience:g} s. Deploy another version.",
            check="latency",
            limit=patience,
        ) from error
    except ResilienceError:
        raise
    except Exception as error:
        raise HealthCheckFailed(
            f"The model raised {type(error).__name__} on the sample. Does the sample fit its signature?",
            check="output",
            value=type(error).__name__,
        ) from error
