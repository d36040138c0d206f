"""Attempts on the wire: each try of a request, a statement or a connection, from its start to how it ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pytest_resilience.chaos.points.of_http import http_request
from pytest_resilience.chaos.run.record import FaultRecord, Message
from pytest_resilience.chaos.trigger import Side
from pytest_resilience.checklist.records.seen import Seen


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONNECT = "connect"
"""What an attempt is called that got no further than its connection."""
EXCHANGE = "exchange"
"""What an attempt is called whose protocol nobody knows: something was said, and answered if all went well."""
_TURN = "Data"

REFUSING = frozenset({"respond", "error"})
"""Faults that answer in the service's place."""
_ENDING = frozenset({"cut", "reset", "truncate"})
_RESETTING = frozenset({"reset_peer", "down"})
_CLEANUP = (*_words("ROLLBACK ABORT RESET DISCARD DEALLOCATE CLOSE UNLISTEN"), "SELECT PG_ADVISORY_UNLOCK")
_BEGINS = ("BEGIN", "START TRANSACTION", "SAVEPOINT", "SET ", "SHOW ")
_PROBE = re.compile(
    r"select\s+(\?|\d+|(pg_catalog\.)?version\(\)|now\(\)|pg_is_in_recovery\(\)|current_\w+(\(\))?)\s*;?"
    r"|(select|with)\b[\s\S]*?\bfrom\s+(pg_catalog\.)?pg_type\b[\s\S]*|;",
    re.IGNORECASE,
)
"""A question that only asks whether the server is there, or, as drivers do, what it is."""
_STARTS, _COMPLETE = frozenset({"Query", "Execute", "Parse"}), frozenset({"ReadyForQuery", _TURN})
_CANCEL = "CancelRequest"
"""It has a connection of its own, which the server closes without an answer: it gives an attempt up, and is none."""
_ENCRYPTION = frozenset({"SSLRequest", "GSSENCRequest"})
"""The proxy answers no at once; some clients then begin anew, on another connection, which is the attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try.

    Args:
        what: `POST /items`, a statement's shape, or `connect`.
        began: when its first message was seen.
        ended: when the client knew, or gave up; none where that was not seen.
        connection: on which connection.
        outcome: an HTTP status, a SQLSTATE, `ok`, `lost` (no answer came), or `open` (still going on).
        kind: of the fault that struck it; none where none did.
        fault: its id.
        side: of the message that was struck.
        keyed: whether it carried an idempotency key, where that is known.
        target: the same for the same HTTP request tried again, where that is known.
        body: how many bytes its body has, where that is known.
    """

    what: str
    began: float
    connection: int
    ended: float | None = None
    outcome: str = "open"
    kind: str | None = None
    fault: str | None = None
    side: Side | None = None
    keyed: bool | None = None
    target: str | None = None
    body: int | None = None

    @property
    def failed(self) -> bool:
        """Whether it brought no result."""
        return self.kind is not None or not self.succeeded

    @property
    def succeeded(self) -> bool:
        """Whether it was answered with success."""
        return self.outcome == "ok" or (
            self.outcome.isdigit() and len(self.outcome) == 3 and self.outcome < "400"
        )

    @property
    def unanswered(self) -> bool:
        """Whether its bytes went out and no answer came back, so that nobody knows what the server did."""
        return self.what != CONNECT and self.outcome in {"lost", "open"}

    @property
    def is_cleanup(self) -> bool:
        """Whether it only ends a transaction, or resets a session."""
        return self.what.upper().startswith(_CLEANUP)

    @property
    def is_prelude(self) -> bool:
        """Whether it only prepares a unit of work."""
        begins = self.what == CONNECT or self.what.upper().startswith(_BEGINS)
        return begins or _PROBE.fullmatch(self.what) is not None


def attempts(run: Seen, service: str) -> tuple[Attempt, ...]:
    """Return what was tried at a service, in the order in which it began."""
    ordered = [fault for fault in run.faults if fault.order.on == service]
    met = frozenset(receipt.connection for fault in ordered for receipt in fault.receipts)
    reader = _Reader({fault.id: fault for fault in ordered if fault.id is not None}, met)
    for message in run.messages:
        if message.service == service:
            reader.read(message)
    found = list(reader.done())
    if reader.speaks_http and all(fault.id is not None for fault in ordered):
        found = [attempt for attempt in found if not _is_spare(attempt)]
    return tuple(sorted([*found, *_unseen(run, service)], key=lambda attempt: attempt.began))


def _is_spare(attempt: Attempt) -> bool:
    """Whether a pool made the connection ahead of a request that never came; nothing that strikes requests met it."""
    return attempt.what == CONNECT and attempt.kind is None


def _unseen(run: Seen, service: str) -> Iterator[Attempt]:
    """Yield the connections that a network fault reset before any message of theirs was seen."""
    seen = {message.connection for message in run.messages if message.service == service}
    for receipt in (
        receipt for fault in run.faults for receipt in fault.receipts if receipt.service == service
    ):
        if receipt.kind in _RESETTING and receipt.connection is not None and receipt.connection not in seen:
            yield Attempt(
                what=CONNECT,
                began=receipt.at,
                ended=receipt.at,
                connection=receipt.connection,
                outcome="lost",
                kind=receipt.kind,
            )


@dataclass(slots=True)
class _Connection:
    """What is open on one connection, oldest first.

    `idle` is one that has said nothing, made while another hung; `asks` one that has asked for encryption alone.
    """

    began: float
    idle: bool = False
    asks: bool = False
    greeted: bool = False
    http: bool = False
    open: list[Attempt] = field(default_factory=list)
    last: Attempt | None = None
    code: str | None = None
    parsed: str = ""


class _Reader:
    """Read messages into attempts.

    Args:
        faults: of messages, by their ids.
        met: the connections that any fault has met.
    """

    def __init__(self, faults: Mapping[str, FaultRecord], met: frozenset[int | None]) -> None:
        self._faults = faults
        self._met = met
        self._connections: dict[int, _Connection] = {}
        self._done: list[Attempt] = []
        self.speaks_http = False

    def read(self, message: Message) -> None:
        if message.side == "-":
            self._notice(message)
            return
        connection = self._connections.setdefault(message.connection, _Connection(message.at))
        if message.side == "request":
            self._request(connection, message)
        elif connection.http:
            self._end(connection, message.at, _status(message))
        else:
            self._postgres_reply(connection, message)

    def done(self) -> Iterable[Attempt]:
        for connection in self._connections.values():
            self._done.extend(connection.open)
            connection.open = []
        return self._done

    def _notice(self, message: Message) -> None:
        if message.message == "connected":
            hangs = any(each.open and each.open[-1].kind == "hang" for each in self._connections.values())
            self._connections[message.connection] = _Connection(message.at, idle=hangs)
            self._begin(self._connections[message.connection], message, CONNECT)
        elif message.message == "closed":
            self._close(message)
        elif message.fault is not None and message.connection in self._connections:
            self._strike(self._connections[message.connection], message)

    def _request(self, connection: _Connection, message: Message) -> None:
        connection.idle, connection.asks = False, message.message in _ENCRYPTION
        request = http_request(message)
        if request is not None:
            connection.http = self.speaks_http = True
            self._greet(connection, message.at)
            self._begin(connection, message, request)
        elif message.message == _TURN:
            self._greet(connection, message.at)
            self._begin(connection, message, EXCHANGE)
        elif message.message == _CANCEL:
            connection.open.clear()
        elif message.message == "Parse":
            connection.parsed = message.shape or ""
        elif message.message in _STARTS and connection.greeted:
            self._begin(connection, message, message.shape or connection.parsed or message.message)

    def _postgres_reply(self, connection: _Connection, message: Message) -> None:
        if message.message == "ErrorResponse":
            connection.code = message.shape or "error"
        elif message.message in _COMPLETE:
            self._greet(connection, message.at)
            while connection.open:
                self._end(connection, message.at, connection.code or "ok")
            connection.code = None

    def _greet(self, connection: _Connection, at: float) -> None:
        """A connection that answers, or carries a request, was no failed attempt of its own."""
        if not connection.greeted:
            connection.greeted = True
            opening = [attempt for attempt in connection.open if attempt.what == CONNECT]
            connection.open = [attempt for attempt in connection.open if attempt.what != CONNECT]
            if not connection.http:
                self._done.extend(replace(attempt, ended=at, outcome="ok") for attempt in opening)

    def _begin(self, connection: _Connection, message: Message, what: str) -> None:
        connection.open.append(
            Attempt(
                what=what,
                began=message.at,
                connection=message.connection,
                keyed=message.keyed,
                target=message.target,
                body=message.body,
            )
        )

    def _end(self, connection: _Connection, at: float, outcome: str) -> None:
        if connection.open:
            attempt = connection.open.pop(0)
            connection.last = replace(
                attempt, ended=at, outcome=attempt.outcome if attempt.kind in REFUSING else outcome
            )
            self._done.append(connection.last)

    def _close(self, message: Message) -> None:
        connection = self._connections.pop(message.connection, None)
        if connection is None:
            return
        for attempt in connection.open:
            if attempt.kind is None and (
                connection.idle or (connection.asks and message.connection not in self._met)
            ):
                continue  # made to cancel what hangs, and given up before it said so; or to ask for encryption
            ended = attempt.ended if attempt.ended is not None else message.at
            outcome = "lost" if attempt.outcome == "open" else attempt.outcome
            self._done.append(replace(attempt, ended=ended, outcome=outcome))

    def _strike(self, connection: _Connection, message: Message) -> None:
        """A fault struck the last attempt, which may just have been answered (side reply)."""
        kind = message.message.partition(" ")[0]
        side: Side = "reply" if message.message.endswith(", reply") else "request"
        struck = connection.open[-1] if connection.open else connection.last
        if struck is None:
            return
        struck_now = self._effect(replace(struck, kind=kind, fault=message.fault, side=side), message)
        if connection.open:
            connection.open[-1] = struck_now
            if kind in REFUSING and connection.http:
                connection.open.pop()
                self._done.append(struck_now)
        else:
            self._done[self._done.index(struck)] = struck_now
            connection.last = struck_now

    def _effect(self, struck: Attempt, message: Message) -> Attempt:
        """Return the attempt as the fault leaves it."""
        if struck.kind in REFUSING:
            fault = self._faults.get(message.fault or "")
            given = fault.order.attributes if fault is not None else {}
            code = given.get("status", given.get("sqlstate", 500 if struck.kind == "respond" else "error"))
            return replace(struck, ended=message.at, outcome=str(code))
        if struck.kind == "hang":
            return replace(struck, ended=None, outcome="open")
        return replace(struck, ended=message.at, outcome="lost") if struck.kind in _ENDING else struck


def _status(message: Message) -> str:
    """Return the status in `200`, `200 OK` or `HTTP/1.1 200 OK`."""
    words = message.message.split()
    return next((word for word in words if word.isdigit() and len(word) == 3), message.message)
