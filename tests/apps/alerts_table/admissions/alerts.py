"""Page the people on call: written to a table first, so that an alert outlives a dead endpoint and this process."""

import json
import logging
import os
import random
import time
import urllib.error
import urllib.request
from contextlib import closing

import psycopg2

from admissions.errors import AdmissionsError
from admissions.log import RUN_ID, about

log = logging.getLogger(__name__)

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
    try:
        _keep(event)
    except (psycopg2.Error, TimeoutError) as failure:
        log.warning("the alert could not be kept", extra=about(failure, operation="alert", attempt=1))
    deliver()


def _keep(event: dict[str, object]) -> None:
    with (
        closing(psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=3)) as conn,
        conn,
        conn.cursor() as cur,
    ):
        cur.execute("insert into alerts (body) values (%s)", (json.dumps(event),))


def deliver() -> None:
    """Send what stands in the table and was not sent."""
    try:
        with (
            closing(psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=3)) as conn,
            conn,
            conn.cursor() as cur,
        ):
            cur.execute("select distinct body from alerts where not sent")
            for (body,) in cur.fetchall():
                if _delivered(body):
                    cur.execute("update alerts set sent = true where body = %s", (body,))
    except (psycopg2.Error, TimeoutError) as error:
        log.warning("alerts could not be looked for", extra=about(error, operation="alert", attempt=1))


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
