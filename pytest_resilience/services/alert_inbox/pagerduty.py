"""PagerDuty's Events API v2: which events it takes, and what it answers.

Source: PagerDuty's developer documentation, "Events API v2" (overview, send an alert event); the texts of the
errors are those that the service is known to answer.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pytest_resilience.services.alert_inbox.http import Request, Response
from pytest_resilience.services.alert_inbox.judgement import Judgement

PATH = "/v2/enqueue"
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "warning", "error", "info")
MAX_EVENT = 512 * 1024
"""Bytes of a whole event."""
MAX_SUMMARY = 1024
"""Characters of `payload.summary`."""
MAX_DEDUP_KEY = 255
"""Characters of `dedup_key`."""

_ONE_OF = "must be one of the following:"
_JSON = {"Content-Type": "application/json"}
_FAULT_BODIES = {
    429: {
        "status": "throttle exceeded",
        "message": "Requests for this service are arriving too quickly. Please retry later.",
        "errors": ["Enhance Your Calm."],
    }
}


def judge(request: Request) -> Judgement:
    """Answer as PagerDuty does: 202 with the `dedup_key`, or 400 with everything that is wrong."""
    if request.path.partition("?")[0] != PATH or request.method != "POST":
        reason = f"{request.method} {request.path} is not POST {PATH}"
        return Judgement(Response(404, b"Not Found"), None, (reason,))
    event = _parse(request.body)
    if not isinstance(event, dict):
        return _refusal(None, "Event object is not valid JSON, or not an object")
    reasons = [*_too_large(request.body), *_envelope_errors(event), *_payload_errors(event)]
    if reasons:
        return _refusal(event, *reasons)
    key = event.get("dedup_key") or uuid.uuid4().hex
    answer = {"status": "success", "message": "Event processed", "dedup_key": key}
    return Judgement(_json_response(202, answer), {**event, "dedup_key": key})


def fault_body(status: int) -> bytes:
    """Return what PagerDuty says with this error status."""
    return json.dumps(
        _FAULT_BODIES.get(status, {"status": "error", "message": "Internal Server Error"})
    ).encode()


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _refusal(event: Any, *reasons: str) -> Judgement:
    answer = {"status": "invalid event", "message": "Event object is invalid", "errors": list(reasons)}
    return Judgement(_json_response(400, answer), event, reasons)


def _json_response(status: int, answer: Mapping[str, Any]) -> Response:
    return Response(status, json.dumps(answer).encode(), _JSON)


def _too_large(body: bytes) -> Iterator[str]:
    if len(body) > MAX_EVENT:
        yield f"Event is too large ({len(body)} bytes, the maximum is {MAX_EVENT})"


def _envelope_errors(event: Mapping[str, Any]) -> Iterator[str]:
    yield from _routing_key_errors(event.get("routing_key"))
    action = event.get("event_action")
    if _blank(action):
        yield "'event_action' is missing or blank"
    elif action not in ACTIONS:
        yield f"'event_action' is invalid ({_ONE_OF} 'trigger', 'acknowledge' or 'resolve')"
    yield from _dedup_key_errors(event.get("dedup_key"), required=action in ACTIONS[1:])
    yield from _list_errors("links", event.get("links"), required="href")
    yield from _list_errors("images", event.get("images"), required="src")


def _routing_key_errors(key: Any) -> Iterator[str]:
    if _blank(key):
        yield "'routing_key' cannot be blank"
        return
    if len(str(key)) != 32:
        yield "Length of 'routing_key' is incorrect (should be 32 characters)"
    if not (isinstance(key, str) and key.isascii() and key.isalnum()):
        yield "'routing_key' cannot contain non-alphanumeric characters."


def _dedup_key_errors(key: Any, *, required: bool) -> Iterator[str]:
    if _blank(key):
        if required or key == "":
            yield "'dedup_key' is missing or blank"
    elif not isinstance(key, str):
        yield "'dedup_key' is invalid (must be a string)"
    elif len(key) > MAX_DEDUP_KEY:
        yield f"'dedup_key' is too long (maximum is {MAX_DEDUP_KEY} characters)"


def _list_errors(name: str, items: Any, *, required: str) -> Iterator[str]:
    if items is None:
        return
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        yield f"'{name}' is invalid (must be an array of objects)"
    elif any(_blank(item.get(required)) for item in items):
        yield f"'{name}.{required}' is missing or blank"


def _payload_errors(event: Mapping[str, Any]) -> Iterator[str]:
    payload = event.get("payload")
    if payload is None and event.get("event_action") != "trigger":
        return
    if not isinstance(payload, dict):
        yield (
            "'payload' is missing or blank" if payload is None else "'payload' is invalid (must be an object)"
        )
        return
    for name in ("summary", "source", "severity"):
        if _blank(payload.get(name)):
            yield f"'payload.{name}' is missing or blank"
    yield from _field_errors(payload)


def _field_errors(payload: Mapping[str, Any]) -> Iterator[str]:
    summary, severity = payload.get("summary"), payload.get("severity")
    if isinstance(summary, str) and len(summary) > MAX_SUMMARY:
        yield f"'payload.summary' is too long (maximum is {MAX_SUMMARY} characters)"
    if not _blank(severity) and severity not in SEVERITIES:
        yield f"'payload.severity' is invalid ({_ONE_OF} 'critical', 'warning', 'error' or 'info')"
    for name in ("summary", "source", "component", "group", "class"):
        if not isinstance(payload.get(name), str | None):
            yield f"'payload.{name}' is invalid (must be a string)"
    if not isinstance(payload.get("custom_details"), dict | None):
        yield "'payload.custom_details' is invalid (must be an object)"
    if not _is_time(payload.get("timestamp")):
        yield "'payload.timestamp' is invalid (must be an ISO 8601 time)"


def _is_time(value: Any) -> bool:
    if value is None:
        return True
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
