"""The platform's data: clinical tables that ship inside scikit-learn, and made-up ICU stays of any size.

Run it to write them: `python -m icu_platform.data FOLDER --stays 2500`.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

ICU_STAY_COLUMNS = (
    "stay_id",
    "subject_id",
    "hadm_id",
    "first_careunit",
    "last_careunit",
    "intime",
    "outtime",
    "los",
)
CARE_UNITS = (
    "Medical Intensive Care Unit (MICU)",
    "Surgical Intensive Care Unit (SICU)",
    "Cardiac Vascular Intensive Care Unit (CVICU)",
    "Coronary Care Unit (CCU)",
    "Neuro Surgical Intensive Care Unit (Neuro SICU)",
    "Trauma SICU (TSICU)",
)
DIABETES_TARGET = "progression"
BREAST_CANCER_TARGET = "malignant"

_EPOCH = datetime(2150, 1, 1, tzinfo=UTC)
"""Stays lie in a future century, as de-identified research tables shift them, so that they are nobody's."""
_SECONDS_IN_A_DAY = 86_400


def icu_stays(rows: int, *, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Yield made-up ICU stays, in `ICU_STAY_COLUMNS` order; the same seed gives the same stays.

    Args:
        rows: how many stays.
        seed: where the draws start. A longer run begins with the rows of a shorter one.
    """
    if rows < 0:
        raise ValueError(f"rows must be 0 or more, not {rows}")
    draw = random.Random(seed)
    for number in range(rows):
        yield _icu_stay(number, draw)


def _icu_stay(number: int, draw: random.Random) -> tuple[str, ...]:
    arrival = _EPOCH + timedelta(minutes=7 * number, seconds=draw.randrange(420))
    # The length of a stay is skewed: most leave within three days, a few stay for weeks.
    stay = timedelta(seconds=max(3600, round(draw.lognormvariate(0.6, 0.9) * _SECONDS_IN_A_DAY)))
    first_unit = draw.choice(CARE_UNITS)
    last_unit = draw.choice(CARE_UNITS) if draw.random() < 0.15 else first_unit
    return (
        str(30_000_000 + number),
        str(10_000_000 + draw.randrange(10_000_000)),
        str(20_000_000 + number),
        first_unit,
        last_unit,
        arrival.isoformat(),
        (arrival + stay).isoformat(),
        f"{stay.total_seconds() / _SECONDS_IN_A_DAY:.4f}",
    )


def write_icu_stays(path: str | Path, rows: int, *, seed: int = 0) -> Path:
    """Write a CSV of made-up ICU stays in constant memory, and return its path."""
    return _write_csv(path, ICU_STAY_COLUMNS, icu_stays(rows, seed=seed))


def write_breast_cancer(path: str | Path) -> Path:
    """Write the Wisconsin breast-cancer table: 569 biopsies, 30 measures each, and `malignant` (1 or 0)."""
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    columns = ["sample_id", *(name.replace(" ", "_") for name in table.feature_names), BREAST_CANCER_TARGET]
    # scikit-learn codes malignant as 0; a reader of a column so called expects 1.
    rows = (
        (number, *features, 1 - target)
        for number, (features, target) in enumerate(
            zip(table.data.tolist(), table.target.tolist(), strict=True), start=1
        )
    )
    return _write_csv(path, columns, rows)


def write_diabetes(path: str | Path) -> Path:
    """Write the diabetes table: 442 patients, ten baseline measures, and the disease's `progression`."""
    from sklearn.datasets import load_diabetes

    table = load_diabetes(scaled=False)
    columns = ["sample_id", *table.feature_names, DIABETES_TARGET]
    rows = (
        (number, *features, target)
        for number, (features, target) in enumerate(
            zip(table.data.tolist(), table.target.tolist(), strict=True), start=1
        )
    )
    return _write_csv(path, columns, rows)


def _write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    path = Path(path)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all three tables into a folder."""
    parser = argparse.ArgumentParser(prog="python -m icu_platform.data", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stays", type=int, default=2_500, help="how many ICU stays (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    write_icu_stays(options.folder / "icustays.csv", options.stays, seed=options.seed)
    write_breast_cancer(options.folder / "breast_cancer.csv")
    write_diabetes(options.folder / "diabetes.csv")
    return 0


if __name__ == "__main__":
    sys.exit(main())
