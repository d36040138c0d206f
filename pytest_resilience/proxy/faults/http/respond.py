"""An answer in an HTTP server's place."""

from __future__ import annotations

import json
from http import HTTPStatus

from pytest_resilience.proxy.faults.kinds import Respond
from pytest_resilience.proxy.wire.http.head import RequestHead

_BODILESS = frozenset({204, 304})
_PHRASES = {int(status): status.phrase for status in HTTPStatus}


def answer(kind: Respond, request: RequestHead, *, close: bool) -> bytes:
    """Return the bytes of the answer.

    Args:
        kind: what to answer.
        request: what is answered.
        close: the connection ends behind it.
    """
    is_text = isinstance(kind.body, str)
    body = kind.body.encode() if is_text else json.dumps(kind.body).encode()
    headers = {"Content-Type": "text/plain; charset=utf-8" if is_text else "application/json"}
    if kind.status not in _BODILESS:
        headers["Content-Length"] = str(len(body))
    if close:
        headers["Connection"] = "close"
    given = {name.lower() for name in kind.headers}
    headers = {name: value for name, value in headers.items() if name.lower() not in given} | kind.headers
    lines = [f"HTTP/1.1 {kind.status} {_reason(kind.status)}", *(f"{n}: {v}" for n, v in headers.items())]
    without_body = request.method == "HEAD" or kind.status in _BODILESS
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + (b"" if without_body else body)


def _reason(status: int) -> str:
    return _PHRASES.get(status, "")
