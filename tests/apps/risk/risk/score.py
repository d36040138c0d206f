"""The score of one patient, as the ward's dashboard asks for it."""

import itertools
import logging
import uuid

import risk.logs as logs
from risk import alerts
from risk.labs import LabsError, latest

log = logging.getLogger("risk.score")
_beds = itertools.cycle(range(1, 10))


def score_one() -> float:
    """Return the score of the next bed.

    Raises:
        LabsError: the laboratory's values are not to be had.
    """
    logs.call_id.set(uuid.uuid4().hex)
    try:
        values = latest(next(_beds))
    except LabsError as error:
        fields = {
            "error_type": type(error.__cause__ or error).__name__,
            "code": error.code,
            "operation": error.operation,
            "resource": error.resource,
            "attempt": 1,
        }
        log.error("%s; follow runbooks/labs.md", error, extra={"fields": fields})
        alerts.trigger("labs", "api", f"Risk scores are missing: labs fails ({error.code or 'no answer'})")
        raise
    return min(1.0, values["lactate"] / 10 + values["creatinine"] / 1000)
