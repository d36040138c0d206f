"""`GET /resilience/proxies/{p}/toxics/{t}`: on which connections a toxic acted, as the engine itself saw it."""

from __future__ import annotations

import json

from pytest_resilience.proxy.api_error import proxy_not_found
from pytest_resilience.proxy.engine import Engine
from pytest_resilience.proxy.http_message import Request, Response
from pytest_resilience.proxy.outputs import JSON
from pytest_resilience.proxy.routing import Route
from pytest_resilience.proxy.toxics.stage import now


async def show_touches(engine: Engine, request: Request) -> Response:
    """Answer with what a toxic touched, also after its removal; nothing for one that never was."""
    proxy = engine.proxies.get(request.params["proxy"])
    if proxy is None:
        raise proxy_not_found()
    started = now() - engine.desk.now()
    touches = [
        {"at": touch.at - started, "connection": touch.connection, "client_port": touch.client_port}
        for touch in proxy.touches.of(request.params["toxic"])
    ]
    body = {"proxy": proxy.name, "toxic": request.params["toxic"], "touched": touches}
    return Response(200, json.dumps(body).encode(), JSON)


TOUCH_ROUTES = (Route("GET", "/resilience/proxies/{proxy}/toxics/{toxic}", show_touches),)
