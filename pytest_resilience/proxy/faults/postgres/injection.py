"""How an error is put into a PostgreSQL session so that the server is left as if it had raised it.

The struck request is replaced by one that the server refuses, so its transaction is aborted, its place in the pipeline
kept, and its ReadyForQuery right; only the text of its error is exchanged on the way back (`Request.substitute`).

An error in place of an answer comes too late for that where the server would go on by itself: with the next statement
of a multi-statement string, or of a pipeline. Then the string is made to fail behind the struck statement (`plan`); a
pipeline waits for the struck answer (`PostgresShared.gate`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from pytest_resilience.proxy.faults.fault import Fault
from pytest_resilience.proxy.faults.kinds import Error
from pytest_resilience.proxy.faults.postgres.points import PostgresPoints
from pytest_resilience.proxy.faults.triggers import Rows
from pytest_resilience.proxy.faults.watch import Strike
from pytest_resilience.proxy.wire.postgres.encode import COPY_FAIL, INJECTED_SQL, REFUSED_PARSE, SYNC, query
from pytest_resilience.proxy.wire.postgres.requests import Query, Request
from pytest_resilience.proxy.wire.postgres.session import PostgresSession

_COPYING = frozenset(b"dcf")
_CYCLES = frozenset(b"QF")
_SYNC = ord("S")


@dataclass(frozen=True, slots=True)
class Plan:
    """A multi-statement string that will fail behind one of its statements.

    Args:
        fault: whose error will stand in place of that statement's answer.
        index: the statement's, from 0.
        message: what the server gets.
    """

    fault: Fault
    index: int
    message: bytes

    def is_due(self, request: Request | None) -> bool:
        """Tell whether the last answer to the string was that to this statement."""
        return request is not None and request.answers == self.index + 1


def replacement(
    session: PostgresSession, kind: int, request: Request | None, executes: Request | None, substitute: bytes
) -> bytes:
    """Put an error in place of a request; return what the server gets.

    Args:
        session: the session, which knows the request already.
        kind: of its message.
        request: what it has put into the session.
        executes: the COPY that it belongs to.
        substitute: the error as the client sees it.
    """
    if kind in _COPYING:
        if executes is None:
            return b""
        executes.substitute = substitute
        return COPY_FAIL
    if kind in _CYCLES and request is not None:
        request.substitute = substitute
        return REFUSED_PARSE + SYNC
    if request is not None:
        session.retract(request)
    refused = Request("Parse")
    refused.substitute = substitute
    session.pending.append(refused)
    if kind == _SYNC and request is not None:
        session.pending.append(request)
        return REFUSED_PARSE + SYNC
    return REFUSED_PARSE


def errors_to_come(faults: tuple[Fault, ...]) -> list[Fault]:
    """Return the faults that may put an error in place of an answer."""
    return [fault for fault in faults if isinstance(fault.kind, Error)]


def plan(request: Query, faults: list[Fault], points: PostgresPoints) -> Plan | None:
    """Return how a multi-statement string has to fail, if one of its answers will be struck."""
    statements = request.statements
    if len(statements) < 2:
        return None
    last = len(statements) - 1
    answers = [points.foreseen(s, "Query" if index == last else "") for index, s in enumerate(statements)]
    found = [
        (index, fault)
        for fault in faults
        if not isinstance(fault.trigger, Rows) and (index := fault.foresees(answers)) is not None
    ]
    if not found:
        return None
    index, fault = min(found, key=lambda pair: pair[0])
    return Plan(fault, index, _failing(request, index + 1))


def beginning(request: Query, strike: Strike, points: PostgresPoints, substitute: bytes) -> bytes | None:
    """Put an error in place of a later statement of a string; return what the server gets, none for the first.

    What stands before is executed, and may have committed; an error of its own is the client's.
    """
    counts = (strike.fault.trigger.count(points.foreseen(each, "")) for each in request.statements)
    index = next((index for index, sum_ in enumerate(accumulate(counts)) if sum_ >= strike.match), 0)
    if not index:
        return None
    request.substitute, request.spared = substitute, index
    return _failing(request, index)


def _failing(request: Query, kept: int) -> bytes:
    """Return a string of a request's first statements that fails behind them."""
    parts = [*(statement.sql for statement in request.statements[:kept]), INJECTED_SQL]
    sql = "\n;".join(parts)  # a line break, since a statement may end in a comment
    return query(sql.encode("utf-8", errors="surrogateescape"))
