"""The handlers for what has been written down: receipts, messages, and holds, which can be decided."""

from __future__ import annotations

from pytest_resilience.proxy.api_error import ApiError
from pytest_resilience.proxy.faults.exchange import (
    LINES,
    FaultEngine,
    document,
    line,
    query_of,
    reply,
    since_of,
    watch_of,
)
from pytest_resilience.proxy.faults.holds import CONTROLLERS, Decision, Hold
from pytest_resilience.proxy.faults.reading import DefinitionError, fields, number, one_of, optional
from pytest_resilience.proxy.faults.receipts import Receipt, receipt_json
from pytest_resilience.proxy.faults.trace import entry_json
from pytest_resilience.proxy.http_message import Request, Response


async def list_receipts(engine: FaultEngine, request: Request) -> Response:
    """Answer with receipts, or follow them."""
    query = query_of(request)
    proxy, fault = query.get("proxy"), query.get("fault")
    journal, since = engine.desk.receipts.journal, since_of(query)

    def encode(found: int, receipt: Receipt) -> bytes:
        wanted = proxy in {None, receipt.proxy} and fault in {None, receipt.fault}
        return line(receipt_json(found, receipt)) if wanted else b""

    if query.get("stream"):
        return Response(200, headers=LINES, stream=journal.follow(since, encode))
    receipts = list(engine.desk.receipts.since(since, proxy=proxy, fault=fault))
    return reply({"receipts": receipts, "next": journal.written})


async def show_trace(engine: FaultEngine, request: Request) -> Response:
    """Answer with a proxy's messages, or follow them."""
    query = query_of(request)
    trace, since = watch_of(engine, request).trace, since_of(query)
    if query.get("stream"):
        follow = trace.follow(since, lambda found, entry: line(entry_json(found, entry)))
        return Response(200, headers=LINES, stream=follow)
    entries = [entry_json(found, entry) for found, entry in trace.since(since)]
    return reply({"trace": entries, "next": trace.written, "lost": trace.lost(since)})


async def list_holds(engine: FaultEngine, _: Request) -> Response:
    """Answer with the messages that wait for a decision."""
    return reply({"holds": [hold.as_json() for hold in engine.desk.holds.waiting()]})


async def show_hold(engine: FaultEngine, request: Request) -> Response:
    """Answer with one held message, decided or not."""
    return reply(_hold(engine, request).as_json())


async def decide_hold(engine: FaultEngine, request: Request) -> Response:
    """Decide on a held message, or let it wait longer."""
    hold = _hold(engine, request)
    given = fields(
        "the decision",
        document(request),
        {"decision": optional(one_of(*CONTROLLERS)), "lease": optional(number(0, exclusive=True))},
    )
    decision, lease = given.get("decision"), given.get("lease")
    if decision is not None and lease is None:
        hold.decide(Decision(decision))
    elif lease is not None and decision is None:
        hold.extend(lease)
    else:
        raise DefinitionError("give either a decision or a lease")
    return reply(hold.as_json())


def _hold(engine: FaultEngine, request: Request) -> Hold:
    number_text = request.params["hold"]
    hold = engine.desk.holds.get(int(number_text)) if number_text.isdecimal() else None
    if hold is None:
        raise ApiError(f"there is no hold {number_text!r}", 404)
    return hold
