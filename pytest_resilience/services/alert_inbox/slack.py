"""Slack's incoming webhooks: which messages they take, and what they answer.

Source: Slack's documentation of incoming webhooks ("Handling errors") and of Block Kit (blocks, limits).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from pytest_resilience.services.alert_inbox.http import Request, Response
from pytest_resilience.services.alert_inbox.judgement import Judgement

PATH = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
MAX_BLOCKS = 50
MAX_ATTACHMENTS = 100
MAX_TEXT = {"section": 3000, "header": 150}
"""Characters of the text of a block, by its type."""
BLOCK_TYPES = (
    *("actions", "context", "divider", "file", "header", "image", "input", "markdown", "rich_text"),
    *("section", "table", "video"),
)

_TEXT = {"Content-Type": "text/html"}
_FAULT_BODIES = {
    400: b"invalid_payload",
    403: b"action_prohibited",
    404: b"channel_not_found",
    410: b"channel_is_archived",
    429: b"rate_limited",
    500: b"rollup_error",
}


def judge(request: Request) -> Judgement:
    """Answer as Slack does: 200 `ok`, or a status with one word that says what is wrong."""
    if refusal := _misdirected(request):
        return refusal
    message = _parse(request)
    if not isinstance(message, dict):
        return _refusal(400, "invalid_payload", None)
    for check in (_check_text, _check_attachments, _check_blocks):
        if word := check(message):
            return _refusal(400, word, message)
    return Judgement(Response(200, b"ok", _TEXT), message)


def fault_body(status: int) -> bytes:
    """Return what Slack says with this error status."""
    return _FAULT_BODIES.get(status, b"")


def _misdirected(request: Request) -> Judgement | None:
    path = request.path.partition("?")[0]
    if request.method != "POST":
        return _refusal(405, "method_not_allowed", None)
    if path == PATH:
        return None
    team, known = path.rpartition("/")[0], PATH.rpartition("/")[0]
    return _refusal(403, "invalid_token", None) if team == known else _refusal(404, "no_service", None)


def _parse(request: Request) -> Any:
    body: str | bytes = request.body
    try:
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            body = parse_qs(request.body.decode())["payload"][0]
        return json.loads(body)
    except (ValueError, KeyError):
        return None


def _refusal(status: int, word: str, message: Any) -> Judgement:
    return Judgement(Response(status, word.encode(), _TEXT), message, (word,))


def _check_text(message: Mapping[str, Any]) -> str | None:
    text = message.get("text")
    if text is not None and not isinstance(text, str):
        return "invalid_payload"
    return None if text or message.get("blocks") or message.get("attachments") else "no_text"


def _check_attachments(message: Mapping[str, Any]) -> str | None:
    attachments = message.get("attachments") or []
    if not isinstance(attachments, list):
        return "invalid_payload"
    return "too_many_attachments" if len(attachments) > MAX_ATTACHMENTS else None


def _check_blocks(message: Mapping[str, Any]) -> str | None:
    blocks = message.get("blocks") or []
    if not isinstance(blocks, list):
        return "invalid_blocks_format"
    return "invalid_blocks" if len(blocks) > MAX_BLOCKS or not all(map(_is_block, blocks)) else None


def _is_block(block: Any) -> bool:
    if not isinstance(block, dict) or block.get("type") not in BLOCK_TYPES:
        return False
    if block["type"] == "section":
        return _is_text(block.get("text"), "section") or bool(block.get("fields"))
    return block["type"] != "header" or _is_text(block.get("text"), "header")


def _is_text(text: Any, kind: str) -> bool:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        return False
    types = ("plain_text",) if kind == "header" else ("plain_text", "mrkdwn")
    return text.get("type") in types and 0 < len(text["text"]) <= MAX_TEXT[kind]
