"""From a proxy's configuration to the inspectors of its connections."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from pytest_resilience.proxy.address import AddressError, split_address
from pytest_resilience.proxy.faults.configuration import Configuration, Trust, changed
from pytest_resilience.proxy.faults.desk import WatchedProxy
from pytest_resilience.proxy.faults.http.conversation import inspect_http
from pytest_resilience.proxy.faults.postgres.conversation import inspect_postgres
from pytest_resilience.proxy.faults.reading import DefinitionError
from pytest_resilience.proxy.faults.secure_link import SecureLink, Security
from pytest_resilience.proxy.faults.turns import inspect_turns
from pytest_resilience.proxy.faults.watch import Watch
from pytest_resilience.proxy.inspector import InspectedLink, Inspector, InspectorFactory

_INSPECTORS: dict[str, Callable[[InspectedLink, Watch], Inspector]] = {
    "postgres": inspect_postgres,
    "http": inspect_http,
    "tcp": inspect_turns,
}
_APPLICATION_PROTOCOLS = {"postgres": "postgresql", "http": "http/1.1"}


def configure(proxy: WatchedProxy, watch: Watch, document: Any) -> None:
    """Change how a proxy is watched, from its next connection on.

    Raises:
        DefinitionError: the document makes no sense.
    """
    configuration = changed(watch.configuration, document)
    if configuration.protocol != watch.configuration.protocol and (
        watch.request_faults or watch.reply_faults
    ):
        raise DefinitionError(f"heal the faults of proxy {watch.proxy!r} before its protocol is changed")
    inspect = _inspector_factory(configuration, watch, proxy.upstream)
    watch.configuration = configuration
    proxy.inspect = inspect


def _inspector_factory(configuration: Configuration, watch: Watch, upstream: str) -> InspectorFactory | None:
    if configuration.protocol is None:
        return None
    inspect = _INSPECTORS[configuration.protocol]
    if configuration.tls is None and configuration.upstream_tls is None:
        return lambda link: inspect(link, watch)
    security = _security(configuration, configuration.protocol, upstream)

    def failed(number: int, why: str) -> None:
        watch.trace.notice(watch.books.now(), number, why)

    return lambda link: SecureLink(link, security, lambda plain: inspect(plain, watch), failed)


def _security(configuration: Configuration, protocol: str, upstream: str) -> Security:
    client, trust = configuration.tls, configuration.upstream_tls
    try:
        return Security(
            client=None if client is None else _client_context(client.certificate, client.key, protocol),
            server=None if trust is None else _server_context(trust, protocol),
            server_name=None if trust is None else trust.server_name or _host(upstream),
            asks=protocol == "postgres",
        )
    except (ssl.SSLError, OSError) as error:
        raise DefinitionError(f"the certificates cannot be used: {error}") from error


def _client_context(certificate: str, key: str, protocol: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols([_APPLICATION_PROTOCOLS[protocol]])
    return context


def _server_context(trust: Trust, protocol: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trust.ca)
    context.set_alpn_protocols([_APPLICATION_PROTOCOLS[protocol]])
    if not trust.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _host(upstream: str) -> str | None:
    try:
        return split_address(upstream)[0]
    except AddressError:
        return None
