"""MLflow: `MlflowException` by error code (`mlflow.protos.databricks_pb2.ErrorCode`)."""

from __future__ import annotations

from pytest_resilience.errors import Severity
from pytest_resilience.runtime.foreign.verdict import Verdict, fatal, look_up, retryable

_DOWN = retryable(
    "the MLflow server failed or is not there", "Try again; see whether it is up.", Severity.HIGH
)
_BUSY = retryable("the MLflow server asks for fewer requests", "Wait, and send less.", Severity.INFO)
_COLLIDED = retryable("another change was made at the same time", "Fetch the present state, then try again.")
_DENIED = fatal(
    "the MLflow server refused these credentials", "Check MLFLOW_TRACKING_USERNAME, password or token."
)
_MISSING = fatal("there is no such thing in MLflow", "Check name and version.")
_EXISTS = fatal("that is in MLflow already", "Use what is there, or another name.")
_WRONG = fatal("the MLflow server refused the request", "Correct the request.")

CODES: dict[str, Verdict] = {
    "INTERNAL_ERROR": _DOWN,
    "TEMPORARILY_UNAVAILABLE": _DOWN,
    "SERVICE_UNDER_MAINTENANCE": _DOWN,
    "WORKSPACE_TEMPORARILY_UNAVAILABLE": _DOWN,
    "IO_ERROR": _DOWN,
    "DEADLINE_EXCEEDED": _DOWN,
    "DEPLOYMENT_TIMEOUT": _DOWN,
    "PROJECTS_OPERATION_TIMEOUT": _DOWN,
    "UNPARSEABLE_HTTP_ERROR": _DOWN,
    "RESOURCE_EXHAUSTED": _BUSY,
    "REQUEST_LIMIT_EXCEEDED": _BUSY,
    "ABORTED": _COLLIDED,
    "RESOURCE_CONFLICT": _COLLIDED,
    "COULD_NOT_ACQUIRE_LOCK": _COLLIDED,
    "UNAUTHENTICATED": _DENIED,
    "PERMISSION_DENIED": _DENIED,
    "CUSTOMER_UNAUTHORIZED": _DENIED,
    "NOT_FOUND": _MISSING,
    "RESOURCE_DOES_NOT_EXIST": _MISSING,
    "ENDPOINT_NOT_FOUND": fatal(
        "the server knows no such endpoint", "Check MLFLOW_TRACKING_URI and the versions."
    ),
    "ALREADY_EXISTS": _EXISTS,
    "RESOURCE_ALREADY_EXISTS": _EXISTS,
}
"""By error code; any other is a refusal."""


def judge(error: BaseException) -> Verdict | None:
    """Return the verdict on an exception of MLflow."""
    if look_up({"mlflow.exceptions.MlflowException": True}, error) is None:
        return None
    code = str(getattr(error, "error_code", "without a code"))
    verdict = CODES.get(code, _WRONG)
    return Verdict(
        verdict.kind, f"MLflow error {code}, {verdict.condition}", verdict.advice, verdict.severity
    )
