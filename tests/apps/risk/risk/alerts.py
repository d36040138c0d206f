"""PagerDuty, from a thread of its own: whoever raises an alert never waits for it."""

import atexit
import json
import os
import threading
import urllib.request
from pathlib import Path

WAITING = Path("alert-waiting.json")
_work = threading.Event()
_lock = threading.Lock()


def trigger(resource: str, component: str, summary: str) -> None:
    """Keep an alert on disk, one for each resource, and wake the thread that sends it."""
    event = {
        "routing_key": os.environ["PAGERDUTY_ROUTING_KEY"],
        "event_action": "trigger",
        "dedup_key": f"risk/{resource}",
        "payload": {
            "summary": summary,
            "severity": "critical",
            "source": "risk.score",
            "component": component,
        },
    }
    with _lock:
        if WAITING.exists():
            return
        fresh = WAITING.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as stream:
            json.dump(event, stream)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(WAITING)
    _work.set()


def _run() -> None:
    delay = 0.2
    while True:
        _work.wait()
        if _sent():
            _work.clear()
            delay = 0.2
        else:
            threading.Event().wait(delay)
            delay = min(2.0, 2 * delay)


def _sent() -> bool:
    with _lock:
        body = WAITING.read_bytes() if WAITING.exists() else b""
    if body:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(os.environ["PAGERDUTY_EVENTS_URL"], body, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=1) as response:  # noqa: S310
                response.read()
        except (OSError, ValueError):
            return False
    with _lock:
        WAITING.unlink(missing_ok=True)
    return True


def _finish() -> None:
    """Give what waits a last chance when the process ends; the next one has it otherwise."""
    if _work.is_set():
        _sent()


if WAITING.exists():
    _work.set()
threading.Thread(target=_run, name="alerts", daemon=True).start()
atexit.register(_finish)
