"""Toxiproxy's HTTP API: its endpoints, and what each does."""

from __future__ import annotations

from pytest_resilience.proxy import inputs
from pytest_resilience.proxy.api_error import ApiError, proxy_exists, proxy_not_found, toxic_not_found
from pytest_resilience.proxy.chain import Toxic
from pytest_resilience.proxy.engine import Engine
from pytest_resilience.proxy.http_message import Request, Response
from pytest_resilience.proxy.outputs import (
    json_reply,
    populate_reply,
    proxy_output,
    toxic_output,
)
from pytest_resilience.proxy.populate import populate
from pytest_resilience.proxy.proxy import Proxy
from pytest_resilience.proxy.routing import Route
from pytest_resilience.proxy.settings import TOXIPROXY_VERSION


async def list_proxies(engine: Engine, _: Request) -> Response:
    """Answer with all proxies, by name."""
    return json_reply({name: proxy_output(engine.proxies[name]) for name in sorted(engine.proxies)})


async def create_proxy(engine: Engine, request: Request) -> Response:
    """Make a proxy, and start it unless it is to be disabled."""
    given = inputs.read_proxy(inputs.read_body(request))
    inputs.check_new_proxy(given, strict=engine.strict)
    if given.name in engine.proxies:
        raise proxy_exists()
    proxy = engine.new_proxy(given.name, given.listen or "", given.upstream or "")
    if given.enabled is not False:
        place = await proxy.resolve_to_start()
        if given.name in engine.proxies:
            raise proxy_exists()
        proxy.start(place)
    engine.proxies[proxy.name] = proxy
    return json_reply(proxy_output(proxy), 201)


async def show_proxy(engine: Engine, request: Request) -> Response:
    """Answer with one proxy."""
    return json_reply(proxy_output(_proxy(engine, request)))


async def update_proxy(engine: Engine, request: Request) -> Response:
    """Change addresses, enable or disable: all of it, or nothing."""
    proxy = _proxy(engine, request)
    given = inputs.read_proxy(inputs.read_body(request))
    listen = proxy.listen if given.listen is None else given.listen
    upstream = proxy.upstream if given.upstream is None else given.upstream
    place = await proxy.resolve(listen)
    if _proxy(engine, request) is not proxy:
        raise proxy_not_found()
    enabled = proxy.enabled if given.enabled is None else given.enabled
    proxy.change(place, listen, upstream, enabled=enabled)
    return json_reply(proxy_output(proxy))


async def delete_proxy(engine: Engine, request: Request) -> Response:
    """End a proxy and its connections."""
    proxy = _proxy(engine, request)
    del engine.proxies[proxy.name]
    proxy.close()
    return Response(204)


async def list_toxics(engine: Engine, request: Request) -> Response:
    """Answer with a proxy's toxics."""
    return json_reply([toxic_output(toxic) for toxic in _proxy(engine, request).toxics.listing()])


async def create_toxic(engine: Engine, request: Request) -> Response:
    """Add a toxic; unlike for a proxy, the status is 200."""
    toxics = _proxy(engine, request).toxics
    toxic = inputs.read_toxic(inputs.read_body(request), toxics.by_name, strict=engine.strict)
    toxics.add(toxic)
    return json_reply(toxic_output(toxic))


async def show_toxic(engine: Engine, request: Request) -> Response:
    """Answer with one toxic."""
    return json_reply(toxic_output(_toxic(_proxy(engine, request), request)))


async def update_toxic(engine: Engine, request: Request) -> Response:
    """Change the attributes and the toxicity of a toxic."""
    proxy = _proxy(engine, request)
    toxic = _toxic(proxy, request)
    attributes, toxicity = inputs.read_toxic_update(inputs.read_body(request), toxic, strict=engine.strict)
    proxy.toxics.update(toxic, attributes, toxicity)
    return json_reply(toxic_output(toxic))


async def delete_toxic(engine: Engine, request: Request) -> Response:
    """Remove a toxic."""
    proxy = _proxy(engine, request)
    proxy.toxics.remove(_toxic(proxy, request))
    return Response(204)


async def populate_proxies(engine: Engine, request: Request) -> Response:
    """Bring a list of proxies about."""
    done: list[Proxy] = []
    try:
        await populate(engine, inputs.read_body(request), done)
    except ApiError as error:
        return populate_reply(done, error)
    except OSError as error:
        return populate_reply(done, ApiError(str(error), 500))
    return populate_reply(done)


async def reset(engine: Engine, _: Request) -> Response:
    """Enable every proxy, and remove every toxic; a proxy that cannot start does not keep the others from it."""
    failure: OSError | None = None
    for proxy in tuple(engine.proxies.values()):
        try:
            if not proxy.enabled:
                proxy.start(await proxy.resolve_to_start())
        except OSError as error:
            if not engine.strict:
                raise
            failure = failure or error
        proxy.toxics.clear()
    if failure is not None:
        raise failure
    return Response(204)


async def version(_engine: Engine, _request: Request) -> Response:
    """Answer with the version of the API."""
    text = f'{{"version": "{TOXIPROXY_VERSION}"}}\n'
    return Response(200, text.encode(), (("Content-Type", "application/json;charset=utf-8"),))


def _proxy(engine: Engine, request: Request) -> Proxy:
    proxy = engine.proxies.get(request.params["proxy"])
    if proxy is None:
        raise proxy_not_found()
    return proxy


def _toxic(proxy: Proxy, request: Request) -> Toxic:
    toxic = proxy.toxics.by_name.get(request.params["toxic"])
    if toxic is None:
        raise toxic_not_found()
    return toxic


TOXIPROXY_ROUTES = (
    Route("POST", "/reset", reset),
    Route("GET", "/proxies", list_proxies),
    Route("POST", "/proxies", create_proxy),
    Route("POST", "/populate", populate_proxies),
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
