"""Bringing a list of proxies about: what is there already stays, what differs is replaced."""

from __future__ import annotations

from pytest_resilience.proxy.chain import Toxic
from pytest_resilience.proxy.engine import Engine
from pytest_resilience.proxy.inputs import ProxyInput, read_populate
from pytest_resilience.proxy.proxy import Proxy


async def populate(engine: Engine, body: bytes, done: list[Proxy]) -> None:
    """Make the proxies of a list exist.

    Args:
        engine: where.
        body: the list, as JSON.
        done: gets the proxies as they come about, also those before a failure.

    Raises:
        ApiError: the list makes no sense; nothing has changed.
        OSError: an address makes no sense or is taken; the proxies before it exist.
    """
    given = read_populate(body, strict=engine.strict)
    for wanted in given:
        done.append(await _bring_about(engine, wanted))  # noqa: PERF401 - those before a failure count


async def _bring_about(engine: Engine, wanted: ProxyInput) -> Proxy:
    listen, upstream = wanted.listen or "", wanted.upstream or ""
    existing = engine.proxies.get(wanted.name)
    if existing is None:
        return await _create(engine, wanted, engine.new_proxy(wanted.name, listen, upstream))
    place = await existing.resolve(listen)
    if not existing.differs(place, upstream):
        if engine.strict:
            existing.change(place, listen, upstream, enabled=_enabled(wanted, existing))
            _equip(existing, wanted.toxics)
        return existing
    if not engine.strict:
        existing.close()
        return await _create(engine, wanted, engine.new_proxy(wanted.name, listen, upstream))
    existing.change(place, listen, upstream, enabled=wanted.enabled is not False)
    _equip(existing, wanted.toxics or ())
    return existing


async def _create(engine: Engine, wanted: ProxyInput, proxy: Proxy) -> Proxy:
    if wanted.enabled is not False:
        proxy.start(await proxy.resolve_to_start())
    _equip(proxy, wanted.toxics)
    engine.proxies[proxy.name] = proxy
    return proxy


def _enabled(wanted: ProxyInput, existing: Proxy) -> bool:
    return existing.enabled if wanted.enabled is None else wanted.enabled


def _equip(proxy: Proxy, toxics: tuple[Toxic, ...] | None) -> None:
    """Let the proxy have exactly those toxics; None leaves them, and so does what it has already."""
    if toxics is None or dict(proxy.toxics.by_name) == {toxic.name: toxic for toxic in toxics}:
        return
    proxy.toxics.clear()
    for toxic in toxics:
        proxy.toxics.add(toxic)
