"""The handlers of the API; `API.md` describes what they take and give."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

from pytest_resilience.proxy.api_error import ApiError, proxy_not_found
from pytest_resilience.proxy.faults.definition import fault_json, read_fault
from pytest_resilience.proxy.faults.desk import FaultDesk, WatchedProxy
from pytest_resilience.proxy.faults.fault import Fault
from pytest_resilience.proxy.faults.holds import CONTROLLERS, DecidedError, Decision, Hold
from pytest_resilience.proxy.faults.inspect import configure
from pytest_resilience.proxy.faults.reading import DefinitionError, fields, number, one_of, optional
from pytest_resilience.proxy.faults.receipts import Receipt, receipt_json
from pytest_resilience.proxy.faults.trace import entry_json
from pytest_resilience.proxy.faults.watch import Watch
from pytest_resilience.proxy.http_message import Request, Response
from pytest_resilience.proxy.routing import Route

JSON = (("Content-Type", "application/json"),)
LINES = (("Content-Type", "application/x-ndjson"),)


class FaultEngine(Protocol):
    """The engine, as these handlers see it."""

    @property
    def proxies(self) -> Mapping[str, WatchedProxy]:
        """The proxies by their names."""

    @property
    def desk(self) -> FaultDesk:
        """The watches."""


Handler = Callable[[FaultEngine, Request], Awaitable[Response]]


def _refusing(handler: Handler) -> Handler:
    """Answer nonsense with 400, and what was decided otherwise with 409."""

    async def handle(engine: FaultEngine, request: Request) -> Response:
        try:
            return await handler(engine, request)
        except DefinitionError as error:
            raise ApiError(str(error), 400) from error
        except DecidedError as error:
            raise ApiError(str(error), 409) from error

    return handle


async def show_engine(engine: FaultEngine, _: Request) -> Response:
    """Answer with the engine's clocks."""
    return _reply({"api": 1} | engine.desk.clocks())


async def show_watch(engine: FaultEngine, request: Request) -> Response:
    """Answer with how a proxy is watched."""
    return _reply(_watch(engine, request).as_json())


async def change_watch(engine: FaultEngine, request: Request) -> Response:
    """Change how a proxy is watched, from the next connection on."""
    proxy = _proxy(engine, request)
    watch = engine.desk.watch(proxy)
    configure(proxy, watch, _document(request))
    return _reply(watch.as_json())


async def list_faults(engine: FaultEngine, request: Request) -> Response:
    """Answer with a proxy's faults, in the order added."""
    return _reply(_faults(_watch(engine, request)))


async def add_fault(engine: FaultEngine, request: Request) -> Response:
    """Arm a fault."""
    watch = _watch(engine, request)
    protocol = watch.configuration.protocol
    if protocol is None:
        raise ApiError(
            f"proxy {watch.proxy!r} has no protocol; PUT one to /resilience/proxies/{watch.proxy} first", 409
        )
    fault = read_fault(
        _document(request), protocol=protocol, default_id=watch.free_id(), added_at=watch.books.now()
    )
    if fault.id in watch.faults:
        raise ApiError(f"there is a fault {fault.id!r} at proxy {watch.proxy!r} already", 409)
    watch.add(fault)
    return _reply(fault_json(fault, watch.proxy), 201)


async def heal_faults(engine: FaultEngine, request: Request) -> Response:
    """End all faults of a proxy."""
    watch = _watch(engine, request)
    for fault in watch.faults.values():
        watch.heal(fault)
    return _reply(_faults(watch))


async def show_fault(engine: FaultEngine, request: Request) -> Response:
    """Answer with one fault."""
    watch = _watch(engine, request)
    return _reply(fault_json(_fault(watch, request), watch.proxy))


async def heal_fault(engine: FaultEngine, request: Request) -> Response:
    """End one fault."""
    watch = _watch(engine, request)
    fault = _fault(watch, request)
    watch.heal(fault)
    return _reply(fault_json(fault, watch.proxy))


async def list_receipts(engine: FaultEngine, request: Request) -> Response:
    """Answer with receipts, or follow them."""
    query = _query(request)
    proxy, fault = query.get("proxy"), query.get("fault")
    journal, since = engine.desk.receipts.journal, _since(query)

    def encode(found: int, receipt: Receipt) -> bytes:
        wanted = proxy in {None, receipt.proxy} and fault in {None, receipt.fault}
        return _line(receipt_json(found, receipt)) if wanted else b""

    if query.get("stream"):
        return Response(200, headers=LINES, stream=journal.follow(since, encode))
    receipts = list(engine.desk.receipts.since(since, proxy=proxy, fault=fault))
    return _reply({"receipts": receipts, "next": journal.written})


async def show_trace(engine: FaultEngine, request: Request) -> Response:
    """Answer with a proxy's messages, or follow them."""
    query = _query(request)
    trace, since = _watch(engine, request).trace, _since(query)
    if query.get("stream"):
        follow = trace.follow(since, lambda found, entry: _line(entry_json(found, entry)))
        return Response(200, headers=LINES, stream=follow)
    entries = [entry_json(found, entry) for found, entry in trace.since(since)]
    return _reply({"trace": entries, "next": trace.written, "lost": trace.lost(since)})


async def list_holds(engine: FaultEngine, _: Request) -> Response:
    """Answer with the messages that wait for a decision."""
    return _reply({"holds": [hold.as_json() for hold in engine.desk.holds.waiting()]})


async def show_hold(engine: FaultEngine, request: Request) -> Response:
    """Answer with one held message, decided or not."""
    return _reply(_hold(engine, request).as_json())


async def decide_hold(engine: FaultEngine, request: Request) -> Response:
    """Decide on a held message, or let it wait longer."""
    hold = _hold(engine, request)
    given = fields(
        "the decision",
        _document(request),
        {"decision": optional(one_of(*CONTROLLERS)), "lease": optional(number(0, exclusive=True))},
    )
    decision, lease = given.get("decision"), given.get("lease")
    if decision is not None and lease is None:
        hold.decide(Decision(decision))
    elif lease is not None and decision is None:
        hold.extend(lease)
    else:
        raise DefinitionError("give either a decision or a lease")
    return _reply(hold.as_json())


def _proxy(engine: FaultEngine, request: Request) -> WatchedProxy:
    proxy = engine.proxies.get(request.params["proxy"])
    if proxy is None:
        raise proxy_not_found()
    return proxy


def _watch(engine: FaultEngine, request: Request) -> Watch:
    return engine.desk.watch(_proxy(engine, request))


def _fault(watch: Watch, request: Request) -> Fault:
    fault = watch.faults.get(request.params["fault"])
    if fault is None:
        raise ApiError(f"there is no fault {request.params['fault']!r} at proxy {watch.proxy!r}", 404)
    return fault


def _faults(watch: Watch) -> dict[str, Any]:
    return {"faults": [fault_json(fault, watch.proxy) for fault in watch.faults.values()]}


def _hold(engine: FaultEngine, request: Request) -> Hold:
    number_text = request.params["hold"]
    hold = engine.desk.holds.get(int(number_text)) if number_text.isdecimal() else None
    if hold is None:
        raise ApiError(f"there is no hold {number_text!r}", 404)
    return hold


def _document(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError as error:
        raise DefinitionError(f"the body is no JSON: {error}") from error


def _query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.query))


def _since(query: Mapping[str, str]) -> int:
    text = query.get("since", "0")
    if not text.isdecimal():
        raise DefinitionError(f"since must be a number, not {text!r}")
    return int(text)


def _line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _reply(value: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(value, separators=(",", ":")).encode(), JSON)


FAULT_ROUTES = tuple(
    Route(verb, f"/resilience{path}", _refusing(handler))
    for verb, path, handler in (
        ("GET", "", show_engine),
        ("GET", "/proxies/{proxy}", show_watch),
        ("PUT", "/proxies/{proxy}", change_watch),
        ("GET", "/proxies/{proxy}/faults", list_faults),
        ("POST", "/proxies/{proxy}/faults", add_fault),
        ("DELETE", "/proxies/{proxy}/faults", heal_faults),
        ("GET", "/proxies/{proxy}/faults/{fault}", show_fault),
        ("DELETE", "/proxies/{proxy}/faults/{fault}", heal_fault),
        ("GET", "/proxies/{proxy}/trace", show_trace),
        ("GET", "/receipts", list_receipts),
        ("GET", "/holds", list_holds),
        ("GET", "/holds/{hold}", show_hold),
        ("POST", "/holds/{hold}", decide_hold),
    )
)
