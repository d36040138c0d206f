"""PagerDuty, and Slack where it does not answer; what neither took waits in a folder, one file an alert."""

import asyncio
import hashlib
import json
import os
from pathlib import Path

import httpx
import structlog

from vitals.problems import VitalsProblem

log = structlog.get_logger("vitals.alerts")
WAITING = Path("alerts-waiting")


async def page(problem: VitalsProblem, trace: str) -> None:
    """Keep an alert, then deliver all that wait; the same problem is one file, and one incident."""
    key = f"vitals-{problem.component}-{problem.service}"
    event = {
        "routing_key": os.environ["PAGERDUTY_ROUTING_KEY"][:20],
        "event_action": "trigger",
        "dedup_key": key,
        "payload": {
            "summary": f"Readings are not taken over: {problem.service} fails ({problem.status or 'no answer'})",
            "severity": "CRITICAL",
            "source": "vitals.sync",
            "component": problem.component,
            "custom_details": {"trace_id": trace},
        },
    }
    WAITING.mkdir(exist_ok=True)
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    fresh = WAITING / f"{name}.new"
    with fresh.open("w", encoding="utf-8") as stream:
        json.dump(event, stream)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(WAITING / f"{name}.json")
    await deliver()


async def deliver() -> None:
    """Send each file, and delete it only then."""
    async with httpx.AsyncClient(timeout=3) as http:
        for file in sorted(WAITING.glob("*.json")):
            event = json.loads(file.read_text(encoding="utf-8"))
            if await _sent(http, event):
                file.unlink()


async def _sent(http: httpx.AsyncClient, event: dict) -> bool:
    slack = {"text": event["payload"]["summary"]}
    for attempt in range(1, 4):
        if await _post(http, os.environ["PAGERDUTY_EVENTS_URL"], event):
            return True
        log.warning("an alert waits", operation="alert", resource="pagerduty", attempt=attempt)
        await asyncio.sleep(0.5 * 2**attempt)
    await _post(http, os.environ["SLACK_WEBHOOK_URL"], slack)
    return False


async def _post(http: httpx.AsyncClient, url: str, body: dict) -> bool:
    try:
        response = await http.post(url, json=body)
    except httpx.HTTPError:
        return False
    return response.is_success
