"""PagerDuty by requests; what it has not taken stays in a small SQLite file."""

import json
import os
import sqlite3
import time
from contextlib import closing

import requests

from census.hospital import HospitalError

WAITING = "alarms.db"


def raise_alarm(error: HospitalError) -> None:
    """Keep an alarm, and send what waits."""
    event = {
        "routing_key": os.environ["PAGERDUTY_ROUTING_KEY"],
        "event_action": "trigger",
        "dedup_key": "census-hospital",
        "payload": {
            "summary": f"The census is not loaded: database hospital, {error.sqlstate or 'connection lost'}",
            "severity": "critical",
            "source": "census.load",
            "component": "database",
        },
    }
    with closing(_open()) as file, file:
        file.execute("insert or replace into waiting values (?, ?)", (event["dedup_key"], json.dumps(event)))
    send_waiting()


def send_waiting() -> None:
    """Send every alarm that waits, and forget those that were taken."""
    with closing(_open()) as file:
        for key, event in file.execute("select key, event from waiting").fetchall():
            if _taken(json.loads(event)):
                with file:
                    file.execute("delete from waiting where key = ?", (key,))


def _taken(event: dict[str, object]) -> bool:
    for attempt in range(4):
        try:
            if (
                requests.post(os.environ["PAGERDUTY_EVENTS_URL"], json=event, timeout=(1, 1)).status_code
                == 202
            ):
                return True
        except requests.RequestException:
            pass  # it is tried again here, and by the next run
        time.sleep(0.2 * 2**attempt)
    return False


def _open() -> sqlite3.Connection:
    file = sqlite3.connect(WAITING)
    file.execute("create table if not exists waiting (key text primary key, event text not null)")
    return file
