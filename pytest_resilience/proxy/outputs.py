"""What clients get: proxies and toxics in Toxiproxy's shapes, and errors in its words."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_resilience.proxy.api_error import ApiError
from pytest_resilience.proxy.chain import Toxic
from pytest_resilience.proxy.gojson.encode import encode
from pytest_resilience.proxy.http_message import Response
from pytest_resilience.proxy.proxy import Proxy

JSON = (("Content-Type", "application/json"),)
PLAIN = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))


def toxic_output(toxic: Toxic) -> dict[str, object]:
    """Describe a toxic, as Toxiproxy does; what is ours alone only where it was given."""
    told = {
        "attributes": toxic.attributes.shown(),
        "name": toxic.name,
        "type": toxic.attributes.kind,
        "stream": toxic.stream,
        "toxicity": float(toxic.toxicity),
    }
    return told if toxic.connections is None else {**told, "connections": toxic.connections}


def proxy_output(proxy: Proxy) -> dict[str, object]:
    """Describe a proxy."""
    return {
        "name": proxy.name,
        "listen": proxy.listen,
        "upstream": proxy.upstream,
        "enabled": proxy.enabled,
        "Logger": {},
        "toxics": [toxic_output(toxic) for toxic in proxy.toxics.listing()],
    }


def json_reply(value: object, status: int = 200) -> Response:
    """Answer with JSON: compact, and without a line's end."""
    return Response(status, encode(value).encode(), JSON)


def text_reply(status: int, text: str) -> Response:
    """Answer with a line of text, as Go's `http.Error` does."""
    return Response(status, f"{text}\n".encode(), PLAIN)


def error_reply(error: ApiError) -> Response:
    """Answer with an error: JSON, sent as text."""
    return text_reply(error.status, encode({"error": error.message, "status": error.status}))


def populate_reply(proxies: Iterable[Proxy], error: ApiError | None = None) -> Response:
    """Answer with what became of a list of proxies; an empty list is null."""
    listed = [proxy_output(proxy) for proxy in proxies] or None
    if error is None:
        return json_reply({"proxies": listed}, 201)
    return json_reply({"error": error.message, "status": error.status, "proxies": listed}, error.status)
