"""The agent that trains a model on a clinical table, judges it, and registers it in MLflow."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from icu_platform import breast_cancer
from icu_platform.training_store import TrainingStore
from pytest_resilience import AgentResult, FatalError, ResilienceError, StructuredErrorLogger
from pytest_resilience.runtime.rules import Rule, model_auroc

LEAST_OF_EACH = 4
"""Of four rows of one outcome, one is in the quarter that a model is judged by."""

_log = logging.getLogger("icu_platform.training")


class TrainingAgent:
    """Train, evaluate, and register a malignancy model.

    Args:
        tracking_uri: the MLflow server; default: `MLFLOW_TRACKING_URI`.
        model_name: what to register it as.
        timeout: seconds that one request to MLflow may take.
        rule: what a model's AUROC must reach for it to be registered; default: the policy's 0.75.
        base_delay: seconds before the first retry of a request to MLflow; they double.
        seed: where the split and the training start.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        *,
        model_name: str = breast_cancer.MODEL_NAME,
        timeout: float = 10.0,
        rule: Rule = model_auroc,
        base_delay: float = 0.5,
        seed: int = 0,
    ) -> None:
        self._store = TrainingStore(tracking_uri, model_name, timeout=timeout, base_delay=base_delay)
        self._model_name = model_name
        self._rule = rule
        self._errors = StructuredErrorLogger("icu_platform.errors")
        self._seed = seed

    def execute(self, task: Mapping[str, Any]) -> AgentResult:
        """Train on `task["source_file"]`, a CSV of the breast-cancer table.

        The same `task["training_id"]` registers one version, however often it is executed.
        """
        training_id = str(task.get("training_id") or uuid4())
        facts: dict[str, Any] = {"model_name": self._model_name, "training_id": training_id}
        try:
            self._train(_source_of(task), training_id, facts)
        except (ResilienceError, OSError) as error:
            context = {"operation": "train", "resource": self._model_name, "agent": "TrainingAgent"}
            context |= {"component": "ml_model", "correlation_id": training_id}
            self._errors.log_error(error, context, "HIGH")
            return AgentResult("TrainingAgent", facts, error)
        _log.info("model registered", extra={"operation": "train", "correlation_id": training_id, **facts})
        return AgentResult("TrainingAgent", facts)

    def _train(self, source: Path, training_id: str, facts: dict[str, Any]) -> None:
        features, targets = read_table(source)
        facts["rows"] = len(targets)
        model, auroc = fit(features, targets, seed=self._seed)
        facts["auroc"] = auroc
        self._rule(auroc, where=f"model {self._model_name!r} on held-out rows")
        sample = features.head(1)
        facts["run_id"], facts["version"] = self._store.register(model, sample, training_id, {"auroc": auroc})


def _source_of(task: Mapping[str, Any]) -> Path:
    if not task.get("source_file"):
        raise FatalError(
            f"The task has no 'source_file' (it has {sorted(task) or 'nothing'}); name a CSV file."
        )
    return Path(task["source_file"])


def read_table(source: Path) -> tuple[Any, list[int]]:
    """Return the features as a DataFrame, and the targets.

    Raises:
        FatalError: the file is not a breast-cancer table.
    """
    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    features = breast_cancer.as_table(rows)
    try:
        return features, [int(row[breast_cancer.TARGET]) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise FatalError(
            f"{source} has no column {breast_cancer.TARGET!r} of 0 and 1. "
            "Write it with: python -m icu_platform.data FOLDER."
        ) from error


def fit(features: Any, targets: list[int], *, seed: int) -> tuple[Any, float]:
    """Train a logistic regression on three quarters of the rows; return it and its AUROC on the rest."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if min(targets.count(outcome) for outcome in (0, 1)) < LEAST_OF_EACH:
        raise FatalError(
            f"{len(targets)} rows are too few to train on and to judge by: each outcome is needed "
            f"{LEAST_OF_EACH} times or more."
        )
    learn_rows, judge_rows, learn_targets, judge_targets = train_test_split(
        features, targets, test_size=0.25, random_state=seed, stratify=targets
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    model.fit(learn_rows, learn_targets)
    return model, float(roc_auc_score(judge_targets, model.predict_proba(judge_rows)[:, 1]))
