"""Page the people on call: written to a file first, so that an alert outlives a dead endpoint and this process."""

import json
import logging
import os
import random
import time
import urllib.error
import urllib.request
from pathlib import Path

from admissions.errors import AdmissionsError
from admissions.log import RUN_ID, about

log = logging.getLogger(__name__)

OUTBOX = Path("alert-outbox.jsonl")
TIMEOUT = 1.0
ATTEMPTS = 4


class UndeliveredError(Exception):
    """An alert endpoint did not take the event."""

    resource = "pagerduty"


def raise_alert(error: AdmissionsError) -> None:
    """Keep an alert durably, then try to deliver everything that is waiting."""
    event = {
        "routing_key": os.environ["PAGERDUTY_ROUTING_KEY"],
        "event_action": "trigger",
        "dedup_key": f"admissions/{error.component}/{error.resource}",
        "payload": {
            "summary": f"The load of stays stopped: {error.resource} is unavailable ({error.code or 'no answer'})",
            "severity": "critical",
            "source": "admissions.ingest",
            "component": error.component,
            "custom_details": {"run_id": RUN_ID, "runbook": error.hint},
        },
    }
    with OUTBOX.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(event) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    deliver()


def deliver() -> None:
    """Send what is waiting, oldest first; what cannot be sent now stays for the next run."""
    lines = OUTBOX.read_text(encoding="utf-8").splitlines() if OUTBOX.exists() else []
    waiting = list(dict.fromkeys(lines))
    while waiting and _delivered(waiting[0]):
        waiting.pop(0)
    if lines:
        fresh = OUTBOX.with_suffix(".new")
        fresh.write_text("".join(line + "\n" for line in waiting), encoding="utf-8")
        fresh.replace(OUTBOX)


def _delivered(line: str) -> bool:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _post(os.environ["PAGERDUTY_EVENTS_URL"], line)
        except UndeliveredError as error:
            log.warning(
                "an alert could not be delivered yet", extra=about(error, operation="alert", attempt=attempt)
            )
            if attempt < ATTEMPTS:
                time.sleep(random.uniform(0.5, 1.0) * 0.2 * 2 ** (attempt - 1))
        else:
            return True
    return False


def _post(url: str, body: str) -> None:
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            response.read()
    except (OSError, ValueError) as error:
        raise UndeliveredError("PagerDuty did not take the event") from error
