"""From a request to its answer: the table of routes, and what is the same for all of them."""

from __future__ import annotations

import logging
import posixpath
from secrets import choice
from urllib.parse import quote

from pytest_resilience.proxy.api import TOXIPROXY_ROUTES
from pytest_resilience.proxy.api_error import ApiError
from pytest_resilience.proxy.engine import Engine
from pytest_resilience.proxy.faults.api import FAULT_ROUTES
from pytest_resilience.proxy.http_message import Request, Response
from pytest_resilience.proxy.metrics import METRICS_ROUTES
from pytest_resilience.proxy.outputs import error_reply, text_reply
from pytest_resilience.proxy.routing import Route, find_route
from pytest_resilience.proxy.touch_api import TOUCH_ROUTES

EXTENSION_ROUTES: tuple[Route, ...] = FAULT_ROUTES + TOUCH_ROUTES
"""What the engine does beyond Toxiproxy; one line for each family of routes."""

_LOG = logging.getLogger(__name__)
_ID_ALPHABET = "0123456789abcdefghijklmnopqrstuv"


class App:
    """Answer requests about an engine.

    Args:
        engine: the proxies.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with_metrics = engine.settings.proxy_metrics or engine.settings.runtime_metrics
        self._routes = TOXIPROXY_ROUTES + EXTENSION_ROUTES + (METRICS_ROUTES if with_metrics else ())

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        if request.path == "*":
            return Response(200)
        if request.headers.get("expect", "100-continue").lower() != "100-continue":
            return Response(417)
        cleaned = _cleaned(request.path)
        if cleaned != request.path:
            return _redirect(cleaned, request.query)
        found = find_route(self._routes, request)
        if found == 404:
            return text_reply(404, "404 page not found")
        if isinstance(found, int):
            return Response(found)
        route, request = found
        response = await self._routed(route, request)
        request_id = ("X-Toxiproxy-Request-Id", "".join(choice(_ID_ALPHABET) for _ in range(20)))
        return Response(response.status, response.body, (*response.headers, request_id), response.stream)

    def reads_body(self, request: Request) -> bool:
        """Tell by its head alone whether the body of a request will be read: not at an unknown path or verb."""
        return not isinstance(find_route(self._routes, request), int)

    async def _routed(self, route: Route, request: Request) -> Response:
        if request.headers.get("user-agent", "").startswith("Mozilla/"):
            return text_reply(403, "User agent not allowed")
        try:
            return await route.handler(self._engine, request)
        except ApiError as error:
            return error_reply(error)
        except OSError as error:
            return error_reply(ApiError(str(error), 500))
        except Exception as error:  # noqa: BLE001 - a bug of ours: say so instead of going silent
            _LOG.exception("%s %s failed", request.method, request.path)
            return error_reply(ApiError(f"internal error: {error!r}", 500))


def _cleaned(path: str) -> str:
    """Take `.`, `..` and doubled slashes out of a path, as Go's `path.Clean` does; keep a slash at the end."""
    cleaned = posixpath.normpath("/" + path.lstrip("/"))
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned


def _redirect(path: str, query: str) -> Response:
    location = quote(path, safe="/:@!$&'()+,;=~", errors="surrogateescape") + (f"?{query}" if query else "")
    return Response(301, headers=(("Location", location),))
