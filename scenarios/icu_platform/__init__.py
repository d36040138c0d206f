"""A healthcare ML platform, built on the runtime, that the scenarios put under fault.

It ingests ICU stays into PostgreSQL, trains and registers models in MLflow, and serves predictions.
No row is a real patient's, but for the public research tables that ship inside scikit-learn.
"""

from __future__ import annotations

from icu_platform.ingestion_agent import DataIngestionAgent
from icu_platform.serving_agent import Answer, ServingAgent
from icu_platform.training_agent import TrainingAgent
from pytest_resilience import AgentResult

__all__ = ["AgentResult", "Answer", "DataIngestionAgent", "ServingAgent", "TrainingAgent"]
