"""The platform's data are the same everywhere: real research tables, and stays that follow from a seed."""

from __future__ import annotations

import csv
import hashlib
from datetime import datetime
from itertools import islice

import pytest

from icu_platform import DataIngestionAgent, breast_cancer
from icu_platform.data import ICU_STAY_COLUMNS, icu_stays, main, write_diabetes, write_icu_stays


def test_the_same_seed_gives_the_same_stays():
    """The draws follow from the seed alone, on every version of Python."""
    digest = hashlib.sha256(repr(list(icu_stays(1_000, seed=7))).encode()).hexdigest()

    assert digest[:16] == "cb596c856ae83874"
    assert list(icu_stays(5, seed=7)) != list(icu_stays(5, seed=8))


def test_more_stays_begin_with_the_same():
    """A longer file is a shorter one with more rows."""
    assert list(islice(icu_stays(1_000), 10)) == list(icu_stays(10))


def test_stays_are_made_one_by_one():
    """A billion of them cost nothing until they are read."""
    assert len(list(islice(icu_stays(10**9), 3))) == 3


def test_stays_make_sense():
    """Keys are unique, people leave after they came, and the length of the stay is what lies between."""
    stays = [dict(zip(ICU_STAY_COLUMNS, row, strict=True)) for row in icu_stays(2_000)]

    assert len({stay["stay_id"] for stay in stays}) == len({stay["hadm_id"] for stay in stays}) == 2_000
    for stay in stays:
        length = datetime.fromisoformat(stay["outtime"]) - datetime.fromisoformat(stay["intime"])
        assert float(stay["los"]) == pytest.approx(length.total_seconds() / 86_400, abs=1e-4)
        assert length.total_seconds() >= 3_600


def test_negative_rows_are_refused():
    """There are no fewer than no stays."""
    with pytest.raises(ValueError, match="rows must be 0 or more"):
        next(icu_stays(-1))


def test_a_file_has_a_header_and_its_rows(tmp_path):
    """An empty file has its header."""
    path = write_icu_stays(tmp_path / "stays.csv", 0)

    assert path.read_text() == ",".join(ICU_STAY_COLUMNS) + "\n"


def test_the_breast_cancer_table_is_the_published_one(breast_cancer_csv):
    """569 samples with 30 measures each, of which 212 are malignant."""
    with breast_cancer_csv.open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert list(rows[0]) == ["sample_id", *breast_cancer.FEATURES, breast_cancer.TARGET]
    assert (len(rows), sum(int(row["malignant"]) for row in rows)) == (569, 212)


def test_the_rule_is_as_good_as_it_says(breast_cancer_csv):
    """How often flagged and unflagged samples are malignant is what the constants claim."""
    with breast_cancer_csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    verdicts = breast_cancer.malignancy_by_rule(breast_cancer.as_table(rows))
    for claimed in (breast_cancer.MALIGNANT_WHEN_FLAGGED, breast_cancer.MALIGNANT_WHEN_NOT_FLAGGED):
        group = [
            int(row["malignant"]) for row, pair in zip(rows, verdicts, strict=True) if pair[1] == claimed
        ]

        assert sum(group) / len(group) == pytest.approx(claimed, abs=0.005)


def test_the_diabetes_table_is_the_published_one(tmp_path):
    """442 patients in the units in which they were measured."""
    with write_diabetes(tmp_path / "diabetes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert (len(rows), rows[0]["age"], rows[0]["progression"]) == (442, "59.0", "151.0")


def test_every_file_fits_its_table(tmp_path, database):
    """What the command writes, the platform's own agent loads into the platform's own tables."""
    assert main([str(tmp_path), "--stays", "50"]) == 0
    agent = DataIngestionAgent(database.dsn)

    results = {
        name: agent.execute({"source_file": str(tmp_path / f"{name}.csv"), "target_table": f"raw.{name}"})
        for name in ("icustays", "breast_cancer", "diabetes")
    }

    assert [result.error for result in results.values()] == [None] * 3
    assert [result.metadata["rows"] for result in results.values()] == [50, 569, 442]
