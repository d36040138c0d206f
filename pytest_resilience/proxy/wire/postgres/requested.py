"""What a client's message changes in a PostgreSQL session."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from pytest_resilience.proxy.wire.postgres.requests import CopyIn, Execution, Query, Request
from pytest_resilience.proxy.wire.postgres.session import PostgresSession, field
from pytest_resilience.proxy.wire.sql.statement import Statement

CANCEL_REQUEST = 80877102
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104

Subject = Request | Statement | None
"""What a request is about."""

_PREPARE = b"prepare"
_BEGINNING = 1_000
"""Where a PREPARE in SQL is looked for."""

_ZERO = b"\x00"
_SYNC_KIND = ord("S")
_SYNC = Request("Sync")


def requested(session: PostgresSession, kind: int, buffer: bytes, start: int, end: int) -> Subject:
    """Take a request whose payload is `buffer[start:end]`, and return what it is about."""
    if session.skipping and kind != _SYNC_KIND:
        return None
    handle = CHANGES.get(kind)
    return None if handle is None else handle(session, buffer, start, end)


def startup_code(buffer: bytes, start: int) -> int:
    """Return the code that tells the kinds of a client's first message apart; 3.x is a session."""
    return int(struct.unpack_from("!I", buffer, start + 4)[0])


def started(session: PostgresSession, payload: bytes) -> Request:
    """Take the start-up message; its payload is names and values, each ended by a zero byte."""
    words = payload.decode("utf-8", errors="surrogateescape").split("\x00")
    parameters = dict(zip(words[::2], words[1::2], strict=False))
    session.application_name = parameters.get("application_name", "")
    request = Request("Startup")
    session.pending.append(request)
    return request


def _query(session: PostgresSession, buffer: bytes, start: int, end: int) -> Subject:
    request = Query(buffer[start : end - 1])
    session.pending.append(request)
    if _PREPARE in request.raw[:_BEGINNING].lower():
        session.remember_prepared(request.statements)
    return request


def _parse(session: PostgresSession, buffer: bytes, start: int, end: int) -> Subject:
    name, position = field(buffer, start, end)
    sql, _ = field(buffer, position, end)
    statement = Statement(sql.decode("utf-8", errors="surrogateescape"))
    session.remember(name, statement)
    if _PREPARE in sql[:_BEGINNING].lower():
        session.remember_prepared([statement])
    return statement


def _bind(session: PostgresSession, buffer: bytes, start: int, end: int) -> Subject:
    middle = buffer.find(_ZERO, start, end)
    name = buffer[middle + 1 : buffer.find(_ZERO, middle + 1, end)]
    session.portals[buffer[start:middle]] = session.statements.get(name), False
    return None


def _execute(session: PostgresSession, buffer: bytes, start: int, end: int) -> Subject:
    portal = buffer[start : buffer.find(_ZERO, start, end)]
    statement, executed = session.portals.get(portal, (None, False))
    session.portals[portal] = statement, True
    request = Execution(statement, again=executed)
    session.executions += 1
    session.pending.append(request)
    return request


def _close(session: PostgresSession, buffer: bytes, start: int, end: int) -> Subject:
    name, _ = field(buffer, start + 1, end)
    if buffer[start : start + 1] == b"S":
        session.statements.pop(name, None)
    else:
        session.portals.pop(name, None)
    return None


def _sync(session: PostgresSession, _buffer: bytes, _start: int, _end: int) -> Subject:
    if session.copy_in is None:  # else the server, which waits for rows, ignores it
        session.skipping = False
        session.executions = 0
        session.pending.append(_SYNC)
    return None


def _function_call(session: PostgresSession, _buffer: bytes, _start: int, _end: int) -> Subject:
    session.pending.append(Request("FunctionCall"))
    return None


def _copy_data(session: PostgresSession, _buffer: bytes, _start: int, _end: int) -> Subject:
    last = session.pending[-1] if session.pending else None
    if session.copy_in is None and isinstance(last, Query | Execution) and not last.copied:
        statement = last.statement(last.answers)
        if statement is not None and statement.copies_in:
            session.copy_in = CopyIn(last)  # the client has not waited until the server asks for rows
    return None


def _copy_ended(session: PostgresSession, _buffer: bytes, _start: int, _end: int) -> Subject:
    copy, session.copy_in = session.copy_in, None
    if copy is None:
        return None
    copy.request.copied = True
    return copy.request


CHANGES: Mapping[int, Callable[[PostgresSession, bytes, int, int], Subject]] = {
    ord("Q"): _query,
    ord("P"): _parse,
    ord("B"): _bind,
    ord("E"): _execute,
    ord("C"): _close,
    ord("S"): _sync,
    ord("F"): _function_call,
    ord("d"): _copy_data,
    ord("c"): _copy_ended,
    ord("f"): _copy_ended,
}
"""What is done for the requests that change something."""
