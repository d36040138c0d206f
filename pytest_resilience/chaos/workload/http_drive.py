"""HTTP requests to a server under test: is it ready, and what does it answer at a steady pace."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from pytest_resilience.chaos.configuration.placeholders import fill
from pytest_resilience.chaos.run.record import CallRecord
from pytest_resilience.chaos.workload.call import described

LONGEST_BODY = 2000
READY_POLL = 0.02
READY_ATTEMPT = 2.0
SETTLE_POLL = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it is sent.

    Args:
        method, path: as declared, `POST /predict`.
        body: the bytes; none where nothing is sent.
        more: headers; `{uuid}` in a value is another one each time.
    """

    method: str
    path: str
    body: bytes | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, *, body: Path | None = None, more: Mapping[str, str] | None = None) -> Request:
        """Read `METHOD /path`.

        Raises:
            ValueError: it is something else.
        """
        method, _, path = text.strip().partition(" ")
        if not method.isalpha() or not path.strip().startswith("/"):
            raise ValueError(f"{text!r} is no request: write a method and a path, for example 'GET /health'")
        return cls(
            method=method.upper(),
            path=path.strip(),
            body=None if body is None else body.read_bytes(),
            more=more or {},
        )

    @property
    def headers(self) -> dict[str, str]:
        """What is declared, and the content type, where there is a body and none is declared."""
        given = {name: fill(value, {"uuid": uuid4()}) for name, value in self.more.items()}
        if self.body is None or "content-type" in map(str.lower, given):
            return given
        kind = "application/json" if _is_json(self.body) else "application/octet-stream"
        return {"Content-Type": kind, **given}

    def send(self, connection: http.client.HTTPConnection) -> tuple[int, bytes]:
        """Send it; return the reply's status and body."""
        connection.request(self.method, self.path, body=self.body, headers=self.headers)
        reply = connection.getresponse()
        return reply.status, reply.read()


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def answers(port: int, request: Request | None) -> bool:
    """Say whether a server on a loopback port answers with 2xx; without a request, whether it accepts."""
    try:
        if request is None:
            socket.create_connection(("127.0.0.1", port), READY_ATTEMPT).close()
            return True
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_ATTEMPT)
        with contextlib.closing(connection):
            return 200 <= request.send(connection)[0] < 300
    except (OSError, http.client.HTTPException):
        return False


class Driver:
    """Requests at a fixed pace, each in a thread of its own so that none waits for another, unless asked to.

    Args:
        port: the server's.
        request: what is sent.
        every: seconds from one to the next.
        one_by_one: whether the next one waits for the answer to the one before.
        limit: seconds that one may take.
        zero: the moment of CLOCK_MONOTONIC from which records count.
    """

    def __init__(
        self,
        port: int,
        request: Request,
        *,
        every: float,
        limit: float,
        zero: float,
        one_by_one: bool = False,
    ) -> None:
        self._port = port
        self._request = request
        self._every = every
        self._one_by_one = one_by_one
        self._limit = limit
        self._zero = zero
        self._lock = threading.Lock()
        self._calls: dict[int, CallRecord] = {}
        self._open: dict[int, tuple[threading.Thread, http.client.HTTPConnection]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._drive, name="workload-drive", daemon=True)
        self._thread.start()

    @property
    def calls(self) -> list[CallRecord]:
        """All requests so far, in the order in which they were sent."""
        with self._lock:
            return [self._calls[number] for number in sorted(self._calls)]

    def stop(self) -> None:
        """Send nothing more; what is on its way may still be answered."""
        self._over.set()
        self._thread.join()

    def settle(self, given_up: Callable[[], bool]) -> None:
        """Send nothing more, and wait until each request is answered, or its limit is over, or `given_up()`."""
        self.stop()
        while not given_up():
            with self._lock:
                left = next(iter(self._open.values()), None)
            if left is None:
                return
            left[0].join(SETTLE_POLL)

    def close(self) -> None:
        """Send nothing more, and give up what is on its way: it is recorded as never answered."""
        self.stop()
        with self._lock:
            left = list(self._open.values())
        for thread, connection in left:
            while thread.is_alive():
                _break(connection)
                thread.join(0.01)

    def _drive(self) -> None:
        due = time.monotonic()
        for number in itertools.count(1):
            if self._over.wait(max(0.0, due - time.monotonic())):
                return
            thread = self._send(number)
            while self._one_by_one and thread.is_alive() and not self._over.is_set():
                thread.join(SETTLE_POLL)
            due = max(due + self._every, time.monotonic())

    def _send(self, number: int) -> threading.Thread:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._limit)
        began = time.monotonic() - self._zero
        thread = threading.Thread(
            target=self._ask, args=(number, began, connection), name=f"workload-request-{number}", daemon=True
        )
        with self._lock:
            self._calls[number] = CallRecord(number=number, began=began, ended=None, outcome="blocked")
            self._open[number] = (thread, connection)
        thread.start()
        return thread

    def _ask(self, number: int, began: float, connection: http.client.HTTPConnection) -> None:
        timer = threading.Timer(self._limit, _break, (connection,))
        timer.daemon = True
        timer.start()
        with contextlib.closing(connection):
            record = self._answer(number, began, lambda: self._request.send(connection))
        timer.cancel()
        late = time.monotonic() - self._zero - began >= self._limit
        with self._lock:
            if record.outcome != "raised" or not (late or self._over.is_set()):
                self._calls[number] = record
            del self._open[number]

    def _answer(self, number: int, began: float, send: Callable[[], tuple[int, bytes]]) -> CallRecord:
        try:
            status, body = send()
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            told = described(error)
            return CallRecord(
                number=number,
                began=began,
                ended=time.monotonic() - self._zero,
                outcome="raised",
                error=tuple(told["error"]),
                message=told["message"],
                facts=told["facts"],
            )
        return CallRecord(
            number=number,
            began=began,
            ended=time.monotonic() - self._zero,
            outcome=str(status),
            message=body[:LONGEST_BODY].decode(errors="replace"),
        )


def _break(connection: http.client.HTTPConnection) -> None:
    stream = connection.sock
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)
