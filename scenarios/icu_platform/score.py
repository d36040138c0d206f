"""Score one sample with the champion model: what a service calls again and again in one process.

Each call asks the registry once which version is in charge. While the registry is away the model that is in memory
answers, and before there is one the rule does.
"""

from __future__ import annotations

import csv
import logging
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from icu_platform.breast_cancer import FEATURES
from icu_platform.process import start_process
from icu_platform.serving_agent import Answer, ServingAgent
from pytest_resilience import CircuitBreakerOpenError, ResilienceError, StructuredErrorLogger

LONGEST_ANSWER = 30.0
FIRST_WAIT = 2.0
NEVER = 1e6
"""Seconds between looks of the server's own: there are none, since each call looks."""
RESET = 5.0
SAMPLE = Path(__file__).with_name("samples") / "sample.csv"

_log = logging.getLogger("icu_platform.score")


def score_one() -> dict[str, Any]:
    """Return the verdict on the sample, which version gave it, and whether that is degraded.

    Raises:
        ResilienceError: no verdict is sure enough to be given.
    """
    agent, reference = _agent(), uuid4().hex[:12]
    if agent.server.version is not None:  # else the answer itself asks
        _look_for_newer(agent, reference)
    result = agent.execute({"rows": [_sample()], "correlation_id": reference})
    if result.error is not None:
        raise result.error
    answer: Answer = result.metadata["answer"]
    return {
        "malignant": answer.malignant[0],
        "model_version": answer.model_version,
        "degraded": answer.degraded,
    }


def _look_for_newer(agent: ServingAgent, reference: str) -> None:
    """Load the version in charge, if it is another; a registry that is away is reported, and harms no answer."""
    context = {"operation": "look for a newer champion", "resource": agent.server.model_name}
    try:
        agent.server.warm_up().result()
    except CircuitBreakerOpenError:
        _log.warning("the registry is left alone", extra={**context, "correlation_id": reference})
    except ResilienceError as error:
        context |= {"component": "ml_model", "correlation_id": reference}
        _errors().log_error(error, context, "HIGH")


@cache
def _errors() -> StructuredErrorLogger:
    return StructuredErrorLogger("icu_platform.errors")


@cache
def _agent() -> ServingAgent:
    start_process()
    return ServingAgent(deadline=LONGEST_ANSWER, base_delay=FIRST_WAIT, refresh=NEVER, reset_timeout=RESET)


@cache
def _sample() -> dict[str, float]:
    with SAMPLE.open(newline="", encoding="utf-8") as stream:
        row = next(csv.DictReader(stream))
    return {name: float(row[name]) for name in FEATURES}
