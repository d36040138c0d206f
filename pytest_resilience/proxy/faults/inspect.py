"""From a proxy's configuration to the inspectors of its connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_resilience.proxy.faults.configuration import changed
from pytest_resilience.proxy.faults.desk import WatchedProxy
from pytest_resilience.proxy.faults.http_conversation import inspect_http
from pytest_resilience.proxy.faults.postgres_conversation import inspect_postgres
from pytest_resilience.proxy.faults.reading import DefinitionError
from pytest_resilience.proxy.faults.watch import Watch
from pytest_resilience.proxy.inspector import InspectedLink, Inspector

_INSPECTORS: dict[str, Callable[[InspectedLink, Watch], Inspector]] = {
    "postgres": inspect_postgres,
    "http": inspect_http,
}


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
    watch.configuration = configuration

    inspect = None if configuration.protocol is None else _INSPECTORS[configuration.protocol]
    proxy.inspect = None if inspect is None else lambda link: inspect(link, watch)
