"""Page by PagerDuty's events interface; an event that nobody took is tried again by the next run."""

import json
import os
import random
import time
from pathlib import Path

import httpx

from dispatch.faults import DispatchError

FOLDER = Path("unsent")


def page(error: DispatchError) -> None:
    """Write an event to disk and send it."""
    FOLDER.mkdir(exist_ok=True)
    event = {
        "routing_key": os.environ["PAGERDUTY_ROUTING_KEY"],
        "event_action": "trigger",
        "dedup_key": f"dispatch:{error.service}",
        "payload": {
            "summary": f"Orders are not dispatched, {error.service} fails with {error.code or 'no answer'}",
            "severity": "critical",
            "source": "dispatch",
            "component": "database" if error.service == "stock" else "api",
        },
    }
    fresh = FOLDER / f"{error.service}.new"
    with fresh.open("w", encoding="utf-8") as stream:
        json.dump(event, stream)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.rename(FOLDER / f"{error.service}.json")
    send_all()


def send_all() -> None:
    """Send what is there."""
    for file in sorted(FOLDER.glob("*.json")):
        if _send(json.loads(file.read_text(encoding="utf-8"))):
            file.unlink()


def _send(event: dict[str, object]) -> bool:
    for attempt in range(4):
        try:
            if httpx.post(os.environ["PAGERDUTY_EVENTS_URL"], json=event, timeout=1).status_code == 202:
                return True
        except httpx.HTTPError:
            pass
        time.sleep(random.uniform(0.1, 0.2) * 2**attempt)
    return False
