"""Where trained models go: an MLflow run and a registered version, made once however often it is tried."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pytest_resilience import retry_with_exponential_backoff
from pytest_resilience.runtime.models.mlflow_border import calling_mlflow, load_mlflow, without_warnings

TRAINING_ID = "icu_platform.training_id"
"""The tag by which a run is found again when the reply to its creation was lost."""
ARTIFACT = "model"


class TrainingStore:
    """Log and register models; each step looks for what an earlier try left before it makes anything.

    Args:
        tracking_uri: the MLflow server; default: what MLflow itself would take.
        model_name: what to register as.
        timeout: seconds that one request may take.
        base_delay: seconds before the first retry; they double.
    """

    def __init__(
        self, tracking_uri: str | None, model_name: str, *, timeout: float, base_delay: float
    ) -> None:
        self._tracking_uri = tracking_uri
        self._model_name = model_name
        self._timeout = timeout
        self._base_delay = base_delay

    def register(
        self, model: Any, sample: Any, training_id: str, metrics: Mapping[str, float]
    ) -> tuple[str, str]:
        """Log a model with its sample and metrics, register it, and return the run's id and the version.

        Raises:
            RetryableError: MLflow could not be reached, often enough.
            FatalError: MLflow refused.
        """
        with TemporaryDirectory(prefix="icu-platform-") as folder:
            files = _save(model, sample, Path(folder) / ARTIFACT)
            return retry_with_exponential_backoff(
                lambda: self._register_once(files, training_id, metrics), base_delay=self._base_delay
            )

    def _register_once(self, files: Path, training_id: str, metrics: Mapping[str, float]) -> tuple[str, str]:
        what = f"Registering model {self._model_name!r}"
        with calling_mlflow(what, self._tracking_uri, timeout=self._timeout) as client:
            run = _find_run(client, training_id) or client.create_run("0", tags={TRAINING_ID: training_id})
            run_id = run.info.run_id
            version = _find_version(client, self._model_name, run_id)
            if version is None:
                for name, value in metrics.items():
                    client.log_metric(run_id, name, value)
                client.log_artifacts(run_id, str(files), ARTIFACT)
                client.set_terminated(run_id)
                self._ensure_model(client)
                version = client.create_model_version(
                    self._model_name, f"{run.info.artifact_uri}/{ARTIFACT}", run_id, await_creation_for=0
                )
            return run_id, str(version.version)

    def _ensure_model(self, client: Any) -> None:
        from mlflow.exceptions import MlflowException

        try:
            client.create_registered_model(self._model_name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise


def _save(model: Any, sample: Any, path: Path) -> Path:
    load_mlflow()
    import sklearn
    from mlflow.models import infer_signature
    from mlflow.sklearn import save_model

    with without_warnings():
        save_model(
            model,
            str(path),
            signature=infer_signature(sample, model.predict_proba(sample)),
            input_example=sample,
            # Named here, because MLflow would start a process to find out.
            pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
            pyfunc_predict_fn="predict_proba",
        )
    return path


def _find_run(client: Any, training_id: str) -> Any:
    found = client.search_runs(["0"], f"tags.`{TRAINING_ID}` = '{training_id}'", max_results=1)
    return found[0] if found else None


def _find_version(client: Any, model_name: str, run_id: str) -> Any:
    found = client.search_model_versions(f"name = '{model_name}' and run_id = '{run_id}'", max_results=1)
    return found[0] if found else None
