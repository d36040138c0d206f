"""What the handlers of the API share: the engine as they see it, bodies, queries and replies."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

from pytest_resilience.proxy.api_error import ApiError, proxy_not_found
from pytest_resilience.proxy.faults.desk import FaultDesk, WatchedProxy
from pytest_resilience.proxy.faults.holds import DecidedError
from pytest_resilience.proxy.faults.reading import DefinitionError
from pytest_resilience.proxy.faults.watch import Watch
from pytest_resilience.proxy.http_message import Request, Response
from pytest_resilience.proxy.inputs import read_body

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


def refusing(handler: Handler) -> Handler:
    """Answer nonsense with 400, and what was decided otherwise with 409."""

    async def handle(engine: FaultEngine, request: Request) -> Response:
        try:
            return await handler(engine, request)
        except DefinitionError as error:
            raise ApiError(str(error), 400) from error
        except DecidedError as error:
            raise ApiError(str(error), 409) from error

    return handle


def proxy_of(engine: FaultEngine, request: Request) -> WatchedProxy:
    """Return the proxy that the path names."""
    proxy = engine.proxies.get(request.params["proxy"])
    if proxy is None:
        raise proxy_not_found()
    return proxy


def watch_of(engine: FaultEngine, request: Request) -> Watch:
    """Return the watch of the proxy that the path names."""
    return engine.desk.watch(proxy_of(engine, request))


def document(request: Request) -> Any:
    """Return the body, parsed."""
    try:
        return json.loads(read_body(request))
    except ValueError as error:
        raise DefinitionError(f"the body is no JSON: {error}") from error


def query_of(request: Request) -> dict[str, str]:
    """Return the query's words."""
    return dict(parse_qsl(request.query))


def since_of(query: Mapping[str, str]) -> int:
    """Return the number after which entries are wanted."""
    text = query.get("since", "0")
    if not text.isdecimal():
        raise DefinitionError(f"since must be a number, not {text!r}")
    return int(text)


def line(value: Any) -> bytes:
    """Return one line of a stream."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def reply(value: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(status, json.dumps(value, separators=(",", ":")).encode(), JSON)
