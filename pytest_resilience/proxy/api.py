"""Toxiproxy's HTTP API: every endpoint, shape, status and text."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from pytest_resilience import __version__  # noqa: F401
from pytest_resilience.proxy.api_error import (
    ApiError,
    bad_body,
    invalid_stream,
    invalid_toxic_type,
    missing_field,
    proxy_exists,
    proxy_not_found,
    toxic_exists,
    toxic_not_found,
)
from pytest_resilience.proxy.chain import Toxic
from pytest_resilience.proxy.engine import Engine
from pytest_resilience.proxy.http_message import Request, Response
from pytest_resilience.proxy.lane import Direction
from pytest_resilience.proxy.proxy import Proxy
from pytest_resilience.proxy.routing import Route, find_route
from pytest_resilience.proxy.toxics import TOXIC_OF_TYPE

VERSION = "2.12.0"
JSON = ("Content-Type", "application/json")


def toxic_json(toxic: Toxic) -> dict[str, Any]:
    return {
        "attributes": dataclasses.asdict(toxic.attributes),
        "name": toxic.name,
        "type": toxic.attributes.type,
        "stream": toxic.stream,
        "toxicity": toxic.toxicity,
    }


def proxy_json(proxy: Proxy) -> dict[str, Any]:
    return {
        "name": proxy.name,
        "listen": proxy.listen,
        "upstream": proxy.upstream,
        "enabled": proxy.enabled,
        "Logger": {},
        "toxics": [toxic_json(t) for t in proxy.toxics.listing()],
    }


def reply(value: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(value, separators=(",", ":")).encode(), (JSON,))


def body_of(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body)
    except ValueError as error:
        raise bad_body(error) from error
    if not isinstance(value, dict):
        raise bad_body("not an object")
    return value


def the_proxy(engine: Engine, request: Request) -> Proxy:
    proxy = engine.proxies.get(request.params["proxy"])
    if proxy is None:
        raise proxy_not_found()
    return proxy


def the_toxic(proxy: Proxy, request: Request) -> Toxic:
    toxic = proxy.toxics.get(request.params["toxic"])
    if toxic is None:
        raise toxic_not_found()
    return toxic


async def list_proxies(engine: Engine, request: Request) -> Response:
    return reply({name: proxy_json(engine.proxies[name]) for name in sorted(engine.proxies)})


async def create_proxy(engine: Engine, request: Request) -> Response:
    body = body_of(request)
    for field in ("name", "upstream"):
        if not body.get(field):
            raise missing_field(field)
    if body["name"] in engine.proxies:
        raise proxy_exists()
    proxy = engine.new_proxy(body["name"], body.get("listen") or "", body["upstream"])
    if body.get("enabled", True):
        proxy.start(await proxy.resolve(proxy.listen))
    engine.proxies[proxy.name] = proxy
    return reply(proxy_json(proxy), 201)


async def show_proxy(engine: Engine, request: Request) -> Response:
    return reply(proxy_json(the_proxy(engine, request)))


async def update_proxy(engine: Engine, request: Request) -> Response:
    proxy = the_proxy(engine, request)
    body = body_of(request)
    if body.get("enabled", proxy.enabled):
        proxy.start(await proxy.resolve(proxy.listen))
    else:
        proxy.stop()
    return reply(proxy_json(proxy))


async def delete_proxy(engine: Engine, request: Request) -> Response:
    proxy = the_proxy(engine, request)
    proxy.close()
    del engine.proxies[proxy.name]
    return Response(204)


async def list_toxics(engine: Engine, request: Request) -> Response:
    return reply([toxic_json(t) for t in the_proxy(engine, request).toxics.listing()])


async def create_toxic(engine: Engine, request: Request) -> Response:
    proxy = the_proxy(engine, request)
    body = body_of(request)
    stream = body.get("stream") or "downstream"
    if stream.lower() not in ("upstream", "downstream"):
        raise invalid_stream()
    kind = TOXIC_OF_TYPE.get(body.get("type", ""))
    if kind is None:
        raise invalid_toxic_type()
    name = body.get("name") or f"{kind.type}_{stream}"
    if proxy.toxics.get(name):
        raise toxic_exists()
    toxic = Toxic(
        name, stream, Direction(stream.lower()), body.get("toxicity", 1), kind(**body.get("attributes", {}))
    )
    proxy.toxics.add(toxic)
    return reply(toxic_json(toxic))


async def show_toxic(engine: Engine, request: Request) -> Response:
    return reply(toxic_json(the_toxic(the_proxy(engine, request), request)))


async def update_toxic(engine: Engine, request: Request) -> Response:
    proxy = the_proxy(engine, request)
    toxic = the_toxic(proxy, request)
    body = body_of(request)
    proxy.toxics.update(
        toxic,
        dataclasses.replace(toxic.attributes, **body.get("attributes", {})),
        body.get("toxicity", toxic.toxicity),
    )
    return reply(toxic_json(toxic))


async def delete_toxic(engine: Engine, request: Request) -> Response:
    proxy = the_proxy(engine, request)
    proxy.toxics.remove(the_toxic(proxy, request))
    return Response(204)


async def reset(engine: Engine, request: Request) -> Response:
    for proxy in engine.proxies.values():
        proxy.start(await proxy.resolve(proxy.listen))
        proxy.toxics.clear()
    return Response(204)


async def version(engine: Engine, request: Request) -> Response:
    text = f'{{"version": "{VERSION}"}}\n'
    return Response(200, text.encode(), (("Content-Type", "application/json;charset=utf-8"),))


ROUTES = (
    Route("POST", "/reset", reset),
    Route("GET", "/proxies", list_proxies),
    Route("POST", "/proxies", create_proxy),
    Route("GET", "/proxies/{proxy}", show_proxy),
    Route("POST PATCH", "/proxies/{proxy}", update_proxy),
    Route("DELETE", "/proxies/{proxy}", delete_proxy),
    Route("GET", "/proxies/{proxy}/toxics", list_toxics),
    Route("POST", "/proxies/{proxy}/toxics", create_toxic),
    Route("GET", "/proxies/{proxy}/toxics/{toxic}", show_toxic),
    Route("POST PATCH", "/proxies/{proxy}/toxics/{toxic}", update_toxic),
    Route("DELETE", "/proxies/{proxy}/toxics/{toxic}", delete_toxic),
    Route("GET", "/version", version),
)
PLAIN = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))


async def handle(engine: Engine, request: Request) -> Response:
    found = find_route(ROUTES, request)
    if found == 404:
        return Response(404, b"404 page not found\n", PLAIN)
    if isinstance(found, int):
        return Response(found)
    route, request = found
    try:
        return await route.handler(engine, request)
    except ApiError as error:
        message, status = error.message, error.status
    except OSError as error:
        message, status = str(error), 500
    text = json.dumps({"error": message, "status": status}, separators=(",", ":")) + "\n"
    return Response(status, text.encode(), PLAIN)
