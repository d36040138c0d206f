"""What a model answers: as many finite numbers, or labels, as there were rows, in whatever they come."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Number
from typing import Any, cast

from pytest_resilience.errors import HealthCheckFailed


def check_output(output: Any, sample: Any) -> None:
    """Look at an answer.

    Raises:
        HealthCheckFailed: it is empty, has not one prediction a row, or holds what is no finite number.
    """
    rows = _row_count(output)
    if output is None or rows == 0:
        raise _bad_output("is empty", value=rows, limit="at least one prediction")
    expected = _table_rows(sample)
    given = 1 if rows is None else rows
    if expected is not None and given != expected:
        raise _bad_output(f"has {given} predictions for {expected} rows", value=given, limit=expected)
    if any(not -math.inf < number < math.inf for number in numbers_in(output)):
        raise _bad_output("holds NaN or infinity", value=math.nan, limit="finite numbers")


def _bad_output(problem: str, *, value: Any, limit: Any) -> HealthCheckFailed:
    return HealthCheckFailed(
        f"The model's output {problem}. Look at its training data, or roll back.",
        check="output",
        value=value,
        limit=limit,
    )


def _row_count(value: Any) -> int | None:
    """Return how many answers there are; none for one that stands alone, as a text does."""
    if isinstance(value, str | bytes):
        return None
    return len(value) if hasattr(value, "__len__") and getattr(value, "ndim", 1) != 0 else None


def _table_rows(sample: Any) -> int | None:
    """Return the rows of a DataFrame or a matrix; other samples do not say how many answers they want."""
    return len(sample) if getattr(sample, "ndim", None) == 2 else None


_MISSING_TEXTS = ("", "nan", b"", b"nan")
_MISSING_TYPES = ("NAType", "NaTType")
"""What pandas has for a missing value where no NaN fits."""


def numbers_in(output: Any) -> Iterable[float]:
    """Yield every real number in an output, however it is nested; a missing one is NaN."""
    if isinstance(output, str | bytes):
        if output.strip().lower() in _MISSING_TEXTS:
            yield math.nan
        return
    if output is None or type(output).__name__ in _MISSING_TYPES:
        yield math.nan
        return
    if isinstance(output, float | int):
        yield output
        return
    if isinstance(output, Number):
        yield from (
            (output.real, output.imag) if isinstance(output, complex) else (float(cast("float", output)),)
        )
        return
    for value in _parts(output):
        yield from numbers_in(value)


def _parts(output: Any) -> Iterable[Any]:
    if isinstance(output, dict):
        return (value for value in output.values() if value is not None)
    if hasattr(output, "to_numpy"):
        return cast("Iterable[Any]", output.to_numpy().ravel().tolist())
    if hasattr(output, "tolist"):
        return cast("Iterable[Any]", output.ravel().tolist())
    return output if isinstance(output, Iterable) else ()
