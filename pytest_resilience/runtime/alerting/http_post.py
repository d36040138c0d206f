"""POST JSON and read the status, within a deadline that holds for the whole exchange.

The clients of PagerDuty and Slack are not used: they retry and sleep on their own, below our backoff; PagerDuty's
refuses any URL but https, so that nothing could be captured in a test; and alerts must work in the base install.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from pytest_resilience.clock import Clock
from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.runtime.alerting.channel import SEND_TIMEOUT
from pytest_resilience.runtime.alerting.real_time import REAL_TIME

MAX_ANSWER = 4_096
"""Bytes of the answer that are read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: str
    retry_after: float | None


def post_json(
    url: str, body: Mapping[str, Any], *, timeout: float = SEND_TIMEOUT, clock: Clock = REAL_TIME
) -> Answer:
    """Send it and return the answer, whatever its status.

    Args:
        url: http or https; the proxies of the environment are used as by urllib.
        body: becomes the JSON.
        timeout: seconds for the whole exchange.
        clock: measures them, and reads dates in `Retry-After`.

    Raises:
        RetryableError: if there was no answer in time.
        FatalError: if the URL cannot be used at all.
    """
    until = clock.monotonic() + timeout
    parts = urlsplit(url)
    try:
        connection = _connection(parts, timeout)
        try:
            return _exchange(connection, _target(connection, parts, url), body, until, clock)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        # The URL is a secret with some receivers: the message has the host alone, and the cause is left out.
        raise RetryableError(f"no answer from {parts.hostname}: {type(error).__name__}") from None


def judge_answer(name: str, answer: Answer) -> None:
    """Return if the answer is a receipt: any success, but no page for people.

    Args:
        name: the channel's.
        answer: what came back.

    Raises:
        RetryableError: for 408, 429 and 5xx, and for a page of HTML: a proxy or a login page in between answers so.
        FatalError: for everything else that is not 2xx.
    """
    if 200 <= answer.status < 300:
        if not answer.body.lstrip().startswith("<"):
            return
        raise RetryableError(
            f"{name} answered {answer.status} with a page of HTML, which is no receipt: the alert may have gone "
            "nowhere; see whether its URL is right, and whether a proxy answers instead"
        )
    message = f"{name} answered {answer.status}: {answer.body[:200]}"
    if answer.status in (408, 429) or answer.status >= 500:
        raise RetryableError(message, retry_after=answer.retry_after)
    raise FatalError(message)


def _connection(parts: SplitResult, timeout: float) -> http.client.HTTPConnection:
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FatalError("The URL of an alert channel must begin with https:// (or http://) and name a host.")
    secure = parts.scheme == "https"
    proxy = None if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)
    host, port = parts.hostname, parts.port or (443 if secure else 80)
    via = urlsplit(proxy) if proxy else None
    if via is None or via.hostname is None:
        return _open(host, port, timeout, secure=secure)
    connection = _open(via.hostname, via.port or 80, timeout, secure=secure)
    if secure:
        connection.set_tunnel(host, port)
    return connection


def _open(host: str, port: int, timeout: float, *, secure: bool) -> http.client.HTTPConnection:
    if secure:
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=timeout)


def _target(connection: http.client.HTTPConnection, parts: SplitResult, url: str) -> str:
    proxied = connection.host != parts.hostname and parts.scheme == "http"
    return url if proxied else (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _exchange(
    connection: http.client.HTTPConnection, target: str, body: Mapping[str, Any], until: float, clock: Clock
) -> Answer:
    content = json.dumps(body).encode()
    connection.request("POST", target, content, {"Content-Type": "application/json", "Connection": "close"})
    response = http.client.HTTPResponse(_Deadline(connection.sock, until, clock), method="POST")  # type: ignore[arg-type] # only makefile() is used of a socket
    with response:
        response.begin()
        text = response.read(MAX_ANSWER).decode("utf-8", "replace")
        return Answer(response.status, text, _retry_after(response.getheader("Retry-After"), clock))


def _retry_after(value: str | None, clock: Clock) -> float | None:
    if value is None:
        return None
    try:
        if value.strip().isdecimal():
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - clock.time())
    except (TypeError, ValueError, OverflowError):
        return None


class _Deadline(io.RawIOBase):
    """Read from a socket until a moment, however slowly the bytes drip."""

    def __init__(self, connection: socket.socket, until: float, clock: Clock) -> None:
        self._connection = connection
        self._until = until
        self._clock = clock

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the reader that `http.client` asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what comes next, if it comes in time."""
        left = self._until - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)
