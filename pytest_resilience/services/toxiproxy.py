"""The fault-injecting proxy as a service: our engine as a process, and the client that the harness drives.

The client speaks Toxiproxy's HTTP API, has time-outs, and reads every change back, so that a fault that was
not applied is an error here and not a test that passes for nothing.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.process import ChildProcess, Command, tail
from pytest_resilience.services.run_folder import RunFolder

CONTROL_TIMEOUT = 5.0
START_TIMEOUT = 30.0
GREETING = "listening "


class EngineError(HarnessError):
    """Say that the proxy engine refused a request, gave no answer, or did not do what it was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAddress:
    """Where the engine's HTTP API is."""

    host: str
    port: int
    log: str


def start_engine(run: RunFolder, name: str, *, seed: int) -> tuple[ChildProcess, EngineAddress]:
    """Start our engine on a free loopback port.

    Args:
        run: the folder and the owner of the process.
        name: its sub-folder; one engine a process of the run.
        seed: what every random draw of the engine follows from.
    """
    log = run.folder(name) / "engine.log"
    command = Command(
        arguments=[
            *(sys.executable, "-m", "pytest_resilience.proxy"),
            *("-host", "127.0.0.1", "-port", "0", "-seed", str(seed)),
        ],
        log=log,
        run=run,
    )
    child = ChildProcess("the proxy engine", command)
    child.wait_until(lambda: _greeting(child) is not None, timeout=START_TIMEOUT)
    host, _, port = (_greeting(child) or "").rpartition(":")
    return child, EngineAddress(host=host, port=int(port), log=str(log))


def _greeting(child: ChildProcess) -> str | None:
    for line in tail(child.log):
        if line.startswith(GREETING):
            return line.removeprefix(GREETING).strip()
    return None


@dataclass(frozen=True, slots=True)
class EngineClient:
    """Drive an engine over Toxiproxy's HTTP API; every call ends within `timeout` seconds.

    Raises:
        EngineError: by every method, where the engine refuses, is silent, or reads back something else.
    """

    host: str
    port: int
    timeout: float = CONTROL_TIMEOUT

    def version(self) -> str:
        """Return the version of Toxiproxy's API that the engine speaks."""
        return str(self.call("GET", "/version")["version"])

    def create_proxy(self, name: str, upstream: str, *, listen: str = "127.0.0.1:0") -> str:
        """Make a proxy, and return the address that it listens on."""
        made = self.call("POST", "/proxies", {"name": name, "upstream": upstream, "listen": listen})
        _confirm(made, {"name": name, "enabled": True})
        return str(made["listen"])

    def delete_proxy(self, name: str) -> None:
        """Remove a proxy and end its connections."""
        self.call("DELETE", f"/proxies/{quote(name, safe='')}")

    def set_enabled(self, name: str, *, enabled: bool) -> None:
        """Open or close a proxy's listener; closing ends its connections too."""
        path = f"/proxies/{quote(name, safe='')}"
        self.call("POST", path, {"enabled": enabled})
        _confirm(self.call("GET", path), {"enabled": enabled})

    def add_toxic(self, proxy: str, toxic: Mapping[str, Any]) -> str:
        """Add a toxic, read it back, and return its name."""
        path = f"/proxies/{quote(proxy, safe='')}/toxics"
        name = str(self.call("POST", path, toxic)["name"])
        _confirm(self.call("GET", f"{path}/{quote(name, safe='')}"), toxic)
        return name

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Remove a toxic, and see that it is gone."""
        self.call("DELETE", f"/proxies/{quote(proxy, safe='')}/toxics/{quote(name, safe='')}")
        if any(toxic["name"] == name for toxic in self.toxics(proxy)):
            raise EngineError(f"toxic {name!r} of proxy {proxy!r} is still there after its removal")

    def toxics(self, proxy: str) -> list[dict[str, Any]]:
        """Return a proxy's toxics."""
        return list(self.call("GET", f"/proxies/{quote(proxy, safe='')}/toxics"))

    def now(self) -> float:
        """Return the seconds since the engine started."""
        return float(self.call("GET", "/resilience")["now"])

    def watch(self, proxy: str, *, protocol: str | None) -> None:
        """Say which protocol a proxy's connections speak, from the next connection on."""
        seen = self.call("PUT", _faults_of(proxy), {"protocol": protocol})
        _confirm(seen, {"protocol": protocol})

    def add_fault(self, proxy: str, order: Mapping[str, Any]) -> str:
        """Arm a fault at an exact message, and return its id."""
        fault = self.call("POST", f"{_faults_of(proxy)}/faults", order)
        _confirm(fault, {"kind": order["kind"], "state": "armed"})
        return str(fault["id"])

    def heal_fault(self, proxy: str, fault: str) -> None:
        """End a fault at an exact message; safe to call twice."""
        healed = self.call("DELETE", f"{_faults_of(proxy)}/faults/{quote(fault, safe='')}")
        _confirm(healed, {"state": "healed"})

    def receipts(self, *, proxy: str, fault: str) -> list[dict[str, Any]]:
        """Return the receipts of one fault, in order."""
        query = urlencode({"proxy": proxy, "fault": fault})
        return list(self.call("GET", f"/resilience/receipts?{query}")["receipts"])

    def call(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request and return the parsed answer, none where it is empty."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            connection.request(verb, path, None if body is None else json.dumps(body))
            reply = connection.getresponse()
            answer = reply.read()
        except OSError as error:
            raise EngineError(
                f"the proxy engine at {self.host}:{self.port} gave no answer to {verb} {path} "
                f"within {self.timeout:g} s: {error}; is its process alive? (see its log)"
            ) from error
        finally:
            connection.close()
        if reply.status >= 300:
            raise EngineError(
                f"the proxy engine at {self.host}:{self.port} refused {verb} {path} "
                f"with status {reply.status}: {answer.decode(errors='replace').strip()}"
            )
        return json.loads(answer) if answer else None


def _faults_of(proxy: str) -> str:
    return f"/resilience/proxies/{quote(proxy, safe='')}"


def _confirm(seen: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    for name, value in expected.items():
        if isinstance(value, Mapping):
            _confirm(seen[name], value)
        elif seen[name] != value:
            raise EngineError(f"the proxy engine was told {name} = {value!r} and reads back {seen[name]!r}")
