"""Alerts: kept in a file, delivered by a task that goes on until PagerDuty has them."""

import asyncio
import json
import os
from pathlib import Path

import aiohttp

FILE = Path("pager.json")


class Pager:
    """One open alert at a time: this service depends on one other."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        if FILE.exists():
            self._wake.set()

    def trigger(self, status: int | None) -> None:
        """Say that guidelines fail; said again while it waits, it stays one alert."""
        if FILE.exists():
            return
        event = {
            "routing_key": os.environ["PAGERDUTY_ROUTING_KEY"],
            "event_action": "trigger",
            "dedup_key": "triage-guidelines",
            "payload": {
                "summary": f"Triage has no guidelines: {status or 'no answer'}",
                "severity": "critical",
                "source": "triage",
                "component": "api",
            },
        }
        fresh = FILE.with_suffix(".new")
        fresh.write_text(json.dumps(event), encoding="utf-8")
        fresh.replace(FILE)
        self._wake.set()

    async def deliver(self) -> None:
        """Deliver whatever comes, until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            delay = 0.3
            while True:
                await self._wake.wait()
                if await self._sent(http):
                    FILE.unlink()
                    self._wake.clear()
                    delay = 0.3
                else:
                    await asyncio.sleep(delay)
                    delay = min(3.0, 2 * delay)

    async def _sent(self, http: aiohttp.ClientSession) -> bool:
        event = json.loads(FILE.read_text(encoding="utf-8"))
        try:
            async with http.post(os.environ["PAGERDUTY_EVENTS_URL"], json=event) as response:
                return response.status == 202
        except (aiohttp.ClientError, TimeoutError):
            return False
