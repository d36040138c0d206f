"""The handlers of the API; `API.md` describes what they take and give."""

from __future__ import annotations

from typing import Any

from pytest_resilience.proxy.api_error import ApiError
from pytest_resilience.proxy.faults.books_api import (
    decide_hold,
    list_holds,
    list_receipts,
    show_hold,
    show_trace,
)
from pytest_resilience.proxy.faults.definition import read_fault
from pytest_resilience.proxy.faults.description import fault_json
from pytest_resilience.proxy.faults.exchange import FaultEngine, document, proxy_of, refusing, reply, watch_of
from pytest_resilience.proxy.faults.fault import Fault
from pytest_resilience.proxy.faults.inspect import configure
from pytest_resilience.proxy.faults.watch import Watch
from pytest_resilience.proxy.http_message import Request, Response
from pytest_resilience.proxy.routing import Route


async def show_engine(engine: FaultEngine, _: Request) -> Response:
    """Answer with the engine's clocks."""
    return reply({"api": 1} | engine.desk.clocks())


async def show_watch(engine: FaultEngine, request: Request) -> Response:
    """Answer with how a proxy is watched."""
    proxy = proxy_of(engine, request)
    return reply(engine.desk.watch(proxy).as_json() | {"connections": proxy.accepted})


async def change_watch(engine: FaultEngine, request: Request) -> Response:
    """Change how a proxy is watched, from the next connection on."""
    proxy = proxy_of(engine, request)
    watch = engine.desk.watch(proxy)
    configure(proxy, watch, document(request))
    return reply(watch.as_json() | {"connections": proxy.accepted})


async def list_faults(engine: FaultEngine, request: Request) -> Response:
    """Answer with a proxy's faults, in the order added."""
    return reply(_faults(watch_of(engine, request)))


async def add_fault(engine: FaultEngine, request: Request) -> Response:
    """Arm a fault."""
    watch = watch_of(engine, request)
    protocol = watch.configuration.protocol
    if protocol is None:
        raise ApiError(
            f"proxy {watch.proxy!r} has no protocol; PUT one to /resilience/proxies/{watch.proxy} first", 409
        )
    fault = read_fault(
        document(request), protocol=protocol, default_id=watch.free_id(), added_at=watch.books.now()
    )
    if fault.id in watch.faults:
        raise ApiError(f"there is a fault {fault.id!r} at proxy {watch.proxy!r} already", 409)
    watch.add(fault)
    return reply(fault_json(fault, watch.proxy), 201)


async def heal_faults(engine: FaultEngine, request: Request) -> Response:
    """End all faults of a proxy."""
    watch = watch_of(engine, request)
    for fault in watch.faults.values():
        watch.heal(fault)
    return reply(_faults(watch))


async def show_fault(engine: FaultEngine, request: Request) -> Response:
    """Answer with one fault."""
    watch = watch_of(engine, request)
    return reply(fault_json(_fault(watch, request), watch.proxy))


async def heal_fault(engine: FaultEngine, request: Request) -> Response:
    """End one fault."""
    watch = watch_of(engine, request)
    fault = _fault(watch, request)
    watch.heal(fault)
    return reply(fault_json(fault, watch.proxy))


def _fault(watch: Watch, request: Request) -> Fault:
    fault = watch.faults.get(request.params["fault"])
    if fault is None:
        raise ApiError(f"there is no fault {request.params['fault']!r} at proxy {watch.proxy!r}", 404)
    return fault


def _faults(watch: Watch) -> dict[str, Any]:
    return {"faults": [fault_json(fault, watch.proxy) for fault in watch.faults.values()]}


FAULT_ROUTES = tuple(
    Route(verb, f"/resilience{path}", refusing(handler))
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
