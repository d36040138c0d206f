"""The breast-cancer question: which columns a model reads, and the rule that stands in for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_resilience import FatalError

MODEL_NAME = "breast_cancer_malignancy"

MEASURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
    "fractal_dimension",
)
FEATURES = (
    *(f"mean_{measure}" for measure in MEASURES),
    *(f"{measure}_error" for measure in MEASURES),
    *(f"worst_{measure}" for measure in MEASURES),
)
TARGET = "malignant"

PERIMETER_LIMIT = 115.0
CONCAVE_POINTS_LIMIT = 0.15
MALIGNANT_WHEN_FLAGGED = 0.94
MALIGNANT_WHEN_NOT_FLAGGED = 0.055
"""How often a sample on either side of the limits is malignant in the published table."""


def as_table(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return samples as the DataFrame that the models take.

    Raises:
        FatalError: a measure is missing, or not a number.
    """
    import pandas as pd

    values = []
    for number, row in enumerate(rows, start=1):
        missing = [name for name in FEATURES if name not in row]
        if missing:
            raise FatalError(
                f"Sample {number} lacks {len(missing)} of the 30 measures, {missing[0]!r} first."
            )
        try:
            values.append([float(row[name]) for name in FEATURES])
        except (TypeError, ValueError) as error:
            raise FatalError(f"Sample {number} has a measure that is not a number. Correct it.") from error
    return pd.DataFrame(values, columns=list(FEATURES))


def malignancy_by_rule(table: Any) -> list[list[float]]:
    """Return `[benign, malignant]` probabilities a row from two limits on the worst cells seen."""
    return [_probabilities(row) for row in table.to_dict("records")]


def _probabilities(row: Mapping[str, Any]) -> list[float]:
    flagged = (
        float(row["worst_perimeter"]) >= PERIMETER_LIMIT
        or float(row["worst_concave_points"]) >= CONCAVE_POINTS_LIMIT
    )
    malignant = MALIGNANT_WHEN_FLAGGED if flagged else MALIGNANT_WHEN_NOT_FLAGGED
    return [1 - malignant, malignant]
