"""Score one sample with the champion model: what a service calls again and again in one process.

While the registry is away the model that is in memory answers, and before there is one the rule does.
"""

from __future__ import annotations

import csv
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from icu_platform.breast_cancer import FEATURES
from icu_platform.process import start_process
from icu_platform.serving_agent import Answer, ServingAgent
from pytest_resilience import ResilienceError

LONGEST_ANSWER = 10.0
REFRESH = 0.1
"""Seconds between looks for a newer champion: each call looks."""
RESET = 5.0
SAMPLE = Path(__file__).with_name("samples") / "sample.csv"


def score_one() -> dict[str, Any]:
    """Return the verdict on the sample, which version gave it, and whether that is degraded.

    Raises:
        ResilienceError: no verdict is sure enough to be given.
    """
    result = _agent().execute({"rows": [_sample()]})
    if result.error is not None:
        raise result.error
    answer: Answer = result.metadata["answer"]
    return {
        "malignant": answer.malignant[0],
        "model_version": answer.model_version,
        "degraded": answer.degraded,
    }


@cache
def _agent() -> ServingAgent:
    start_process()
    agent = ServingAgent(deadline=LONGEST_ANSWER, refresh=REFRESH, reset_timeout=RESET)
    with suppress(ResilienceError):  # then the rule answers, and says so
        agent.server.warm_up().result()
    return agent


@cache
def _sample() -> dict[str, float]:
    with SAMPLE.open(newline="", encoding="utf-8") as stream:
        row = next(csv.DictReader(stream))
    return {name: float(row[name]) for name in FEATURES}
