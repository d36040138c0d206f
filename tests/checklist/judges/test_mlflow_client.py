"""Who is red for what MLflow's client does is told what to set in it, and others are not."""

from __future__ import annotations

import re

import pytest

from pytest_resilience.checklist.judges import mlflow_client
from pytest_resilience.checklist.judges.case import Case
from pytest_resilience.checklist.judges.client_advice import advised

CASE = Case(item="backoff", subject="workload train / service registry")
TIME, RETRIES = "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
HEADER = "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER"


@pytest.mark.parametrize(
    ("why", "names"),
    [
        ("1 byte a second: still running after 20 s, its deadline is 10 s", {TIME, RETRIES, HEADER}),
        ("status 429: call 3 was still waiting after 10 s", {TIME, RETRIES, HEADER}),
        (
            "the service asked for 5 s (Retry-After), the next attempt came after 0.1 s",
            {RETRIES, HEADER},
        ),
        (
            "POST /runs/create was sent 8 times although its first answer was lost, with no idempotency key",
            {RETRIES},
        ),
        ("GET /x was tried 24 times for one operation, more than 10: layers that retry multiply", {RETRIES}),
        ("MlflowException ended the program with a bare traceback", set()),
    ],
)
def test_the_variables_that_bound_it_are_named(why, names):
    """Of a registry alone, and only where the reason has to do with them."""
    failed = CASE.failed(why, "give each call a time-out")
    fix = advised(failed, "mlflow").fix

    assert set(re.findall(r"MLFLOW_\w+", fix)) == names
    assert fix.startswith(failed.fix)
    assert advised(failed, "http") == failed
    assert advised(CASE.passed("its deadline is near"), "mlflow") == CASE.passed("its deadline is near")


def test_the_installed_client_has_these_variables_and_defaults():
    """So that advice which has grown old is noticed."""
    known = pytest.importorskip("mlflow.environment_variables")
    said = " ".join(text for _, text in mlflow_client.ADVICE)
    names = set(re.findall(r"MLFLOW_\w+", said))

    assert names == {TIME, RETRIES, HEADER}
    assert [getattr(known, name).default for name in (TIME, RETRIES, HEADER)] == [120, 7, True]
