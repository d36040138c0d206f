"""How often, and how long, this job tries again: one place for all services."""

import stamina
import structlog

from vitals.problems import Passing

log = structlog.get_logger("vitals.patience")
Outcome = bool | float


def _tell(details: stamina.instrumentation.RetryDetails) -> None:
    cause = details.caused_by
    log.warning(
        "will be tried again",
        operation=details.name,
        resource=getattr(cause, "service", None),
        error_type=type(cause.__cause__ or cause).__name__,
        code=getattr(cause, "status", None),
        attempt=details.retry_num,
        arguments=repr((details.args, details.kwargs)),
        wait=round(details.wait_for, 3),
    )


stamina.instrumentation.set_on_retry_hooks([_tell])


def _passes(error: Exception) -> Outcome:
    """Say whether to go on, or after how many seconds the service wants to be asked."""
    if not isinstance(error, Passing):
        return False
    return error.after or True


patiently = stamina.retry(on=_passes, attempts=5, timeout=60, wait_initial=0.4, wait_max=6, wait_jitter=0.3)
