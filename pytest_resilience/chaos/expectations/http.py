"""The `http` expectation: a request is answered as it should be, after heal."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pytest_resilience.chaos.expectations.context import Context, Look
from pytest_resilience.chaos.expectations.judgement import Judgement, shortened
from pytest_resilience.chaos.run.record import CheckRecord, RunRecord
from pytest_resilience.chaos.scenario.model import Expectations, HttpCheck
from pytest_resilience.errors import HarnessError

TIMEOUT = 5.0
"""Seconds for each step of a request."""
LONGEST_BODY = 1024 * 1024


def judge_http(expect: Expectations, record: RunRecord, context: Context) -> Iterator[Judgement]:
    """Judge each request by the answer that it had after heal."""
    for check in expect.http:
        answer = record.answers.get(check) or ask_http(check, context.look)
        yield Judgement(
            name="http", phase="liveness", held=answer.held, expected=http_words(check), seen=answer.seen
        )


def http_words(check: HttpCheck) -> str:
    """Return `GET /health on api is answered with 200`."""
    parts = [f"with {check.status}" if check.status is not None else "without an error status"]
    if check.body is not None:
        parts.append(f"with a body that matches {check.body!r}")
    return f"{check.request} on {check.on} is answered {' and '.join(parts)}"


def ask_http(check: HttpCheck, look: Look) -> CheckRecord:
    """Make the request now; what goes wrong is what was seen."""
    try:
        status, body = _answer(check, look)
    except (OSError, http.client.HTTPException, HarnessError) as error:
        seen = f"no answer: {str(error) or type(error).__name__}"
        return CheckRecord(check=http_words(check), held=False, seen=seen)
    wanted = status == check.status if check.status is not None else status < 400
    if wanted and check.body is not None and re.search(check.body, body) is None:
        return CheckRecord(check=http_words(check), held=False, seen=f"{status} with {shortened(body)!r}")
    return CheckRecord(check=http_words(check), held=wanted, seen=str(status))


def _answer(check: HttpCheck, look: Look) -> tuple[int, str]:
    method, _, path = check.request.strip().partition(" ")
    base = urlsplit(look.url(check.on))
    kind = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection
    connection = kind(base.hostname or "", base.port, timeout=TIMEOUT)
    try:
        connection.request(method.upper(), base.path.rstrip("/") + (path.strip() or "/"))
        reply = connection.getresponse()
        return reply.status, reply.read(LONGEST_BODY).decode(errors="replace")
    finally:
        connection.close()
