"""A real Toxiproxy that is replaced when it hangs: killed, started anew, with the proxies and toxics it had.

Toxiproxy 2.12 hangs for ever on some requests, for example when a `latency` toxic is removed after clients
have died behind it. Nothing of that must reach a test.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pytest_resilience.services.quiet_port import quiet_ports
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy import ToxiproxySource
from pytest_resilience.services.toxiproxy_client import (
    CONTROL_TIMEOUT,
    EngineError,
    EngineRefusedError,
    EngineSilentError,
    ToxiproxyClient,
)

PORT_TRIES = 3
WATCH_SECONDS = 1.0

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Wanted:
    """What a proxy was told to be."""

    upstream: str
    listen: str
    enabled: bool = True
    toxics: dict[str, Mapping[str, Any]] = field(default_factory=dict)


class SupervisedToxiproxy:
    """Drive a real Toxiproxy as `ToxiproxyClient` does, through its hanging and its crashes.

    Args:
        source: where it comes from.
        run: the folder and the owner of its process.
        name: its sub-folder.
        timeout: seconds after which it is taken to hang.
    """

    def __init__(
        self, source: ToxiproxySource, run: RunFolder, name: str, *, timeout: float = CONTROL_TIMEOUT
    ) -> None:
        self.source = source
        self.replacements: list[str] = []
        """Why it was replaced, each time."""
        self._run = run
        self._name = name
        self._timeout = timeout
        self._wanted: dict[str, _Wanted] = {}
        self._lock = threading.RLock()
        self._child, self.address = source.start(run, name, None)

    def proxy_name(self, service: str) -> str:
        """Return what the proxy of a service is called there."""
        return self.source.proxy_name(service)

    def create_proxy(self, name: str, upstream: str) -> str:
        """Make a proxy on a free loopback port, and return its address."""

        def create(client: ToxiproxyClient) -> str:
            return _create_somewhere(client, name, upstream)

        with self._lock:
            listen = self._ask(create)
            self._wanted[name] = _Wanted(upstream, listen)
        return listen

    def delete_proxy(self, name: str) -> None:
        """Remove a proxy and end its connections."""
        with self._lock:
            self._ask(lambda client: client.delete_proxy(name))
            self._wanted.pop(name, None)

    def set_enabled(self, name: str, *, enabled: bool) -> None:
        """Open or close a proxy's listener; closing ends its connections too."""
        with self._lock:
            self._ask(lambda client: client.set_enabled(name, enabled=enabled))
            self._wanted[name].enabled = enabled

    def add_toxic(self, proxy: str, toxic: Mapping[str, Any]) -> str:
        """Add a toxic, read it back, and return its name."""
        with self._lock:
            name = self._ask(lambda client: client.add_toxic(proxy, toxic))
            self._wanted[proxy].toxics[name] = toxic
        return name

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Remove a toxic, and see that it is gone."""
        with self._lock:
            self._ask(lambda client: client.remove_toxic(proxy, name))
            self._wanted[proxy].toxics.pop(name, None)

    def toxics(self, proxy: str) -> list[dict[str, Any]]:
        """Return a proxy's toxics."""
        with self._lock:
            return self._ask(lambda client: client.toxics(proxy))

    def stop(self) -> None:
        """End its process, or the one that keeps our proxies; safe to call twice."""
        self._child.stop()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look after it while somebody else drives it, whose own calls may wait for ever.

        Raises:
            HarnessError: at the end, if it could not be replaced.
        """
        over = threading.Event()
        with ThreadPoolExecutor(1, "watch-toxiproxy") as executor:
            watching = executor.submit(self._watch, over) if self.source.ours else None
            try:
                yield
            finally:
                over.set()
        if watching is not None:
            watching.result()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(WATCH_SECONDS):
            child = self._child
            try:
                self._client.proxies()
            except EngineSilentError as silence:
                with self._lock:
                    if self._child is child:
                        self._replace(silence)

    @property
    def _client(self) -> ToxiproxyClient:
        return ToxiproxyClient(self.address.host, self.address.port, self._timeout)

    def _ask(self, request: Callable[[ToxiproxyClient], Answer]) -> Answer:
        try:
            return request(self._client)
        except EngineSilentError as silence:
            self._replace(silence)
            return request(self._client)

    def _replace(self, silence: EngineSilentError) -> None:
        """Start another one in its place, in the state that this one was told to be in.

        Raises:
            EngineError: it is not ours to kill.
        """
        if not self.source.ours:
            raise EngineError(
                f"{silence}; it belongs to somebody else and is not ours to kill: restart it"
            ) from silence
        self._child.stop()
        self._child, self.address = self.source.start(self._run, self._name, self.address.port)
        for name, wanted in self._wanted.items():
            _restore(self._client, name, wanted)
        reason = f"Toxiproxy was killed and replaced: {silence}"
        with Path(self.address.log).open("a", encoding="utf-8") as log:
            log.write(f"pytest-resilience: {reason}\n")
        self.replacements.append(reason)


def _create_somewhere(client: ToxiproxyClient, name: str, upstream: str) -> str:
    """Make a proxy on a port that it can have again after it was closed."""
    candidates = quiet_ports()
    for _ in range(PORT_TRIES - 1):
        try:
            return client.create_proxy(name, upstream, listen=f"127.0.0.1:{next(candidates)}")
        except EngineRefusedError as refused:
            if "address already in use" not in str(refused):
                raise
    return client.create_proxy(name, upstream, listen=f"127.0.0.1:{next(candidates)}")


def _restore(client: ToxiproxyClient, name: str, wanted: _Wanted) -> None:
    client.create_proxy(name, wanted.upstream, listen=wanted.listen)
    for toxic in wanted.toxics.values():
        client.add_toxic(name, toxic)
    if not wanted.enabled:
        client.set_enabled(name, enabled=False)
