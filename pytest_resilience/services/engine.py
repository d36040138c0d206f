"""Our fault engine as a service: the process, and the client that the harness drives."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from pytest_resilience.services.process import ChildProcess, Command, tail
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy_client import ToxiproxyClient

START_TIMEOUT = 30.0
GREETING = "listening "


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
class EngineClient(ToxiproxyClient):
    """Drive our engine: Toxiproxy's API, and the one for faults at exact messages."""

    title: ClassVar[str] = "the proxy engine"

    def now(self) -> float:
        """Return the seconds since the engine started."""
        return float(self.call("GET", "/resilience")["now"])

    def started(self) -> float:
        """Return what this machine's monotonic clock, one for all of its processes, showed when the engine started."""
        return float(self.call("GET", "/resilience")["started"])

    def watch(self, proxy: str, *, protocol: str | None, settings: Mapping[str, Any] | None = None) -> None:
        """Say which protocol a proxy's connections speak, from the next connection on.

        Args:
            proxy: its name.
            protocol: `postgres`, `http` or `tcp`; none passes bytes unseen.
            settings: `tls`, `upstream_tls` and `host`, as the engine's API takes them.
        """
        wanted = {"protocol": protocol, **(settings or {})}
        self._confirm(self.call("PUT", _faults_of(proxy), wanted), wanted)

    def add_fault(self, proxy: str, order: Mapping[str, Any]) -> str:
        """Arm a fault at an exact message, and return its id."""
        __tracebackhide__ = True
        fault = self.call("POST", f"{_faults_of(proxy)}/faults", order)
        self._confirm(fault, {"kind": order["kind"], "state": "armed"})
        return str(fault["id"])

    def heal_fault(self, proxy: str, fault: str) -> None:
        """End a fault at an exact message; safe to call twice."""
        healed = self.call("DELETE", f"{_faults_of(proxy)}/faults/{quote(fault, safe='')}")
        self._confirm(healed, {"state": "healed"})

    def receipts(self, *, proxy: str, fault: str) -> list[dict[str, Any]]:
        """Return the receipts of one fault, in order."""
        query = urlencode({"proxy": proxy, "fault": fault})
        return list(self.call("GET", f"/resilience/receipts?{query}")["receipts"])

    def connections(self, proxy: str) -> int:
        """Return how many connections a proxy has accepted."""
        return int(self.call("GET", _faults_of(proxy))["connections"])

    def trace(self, proxy: str, *, since: int = 0) -> tuple[list[dict[str, Any]], int, int]:
        """Return a proxy's messages after number `since`, the last number, and how many in between are not kept."""
        answer = self.call("GET", f"{_faults_of(proxy)}/trace?since={since}")
        return list(answer["trace"]), int(answer["next"]), int(answer["lost"])

    def fault(self, proxy: str, fault: str) -> dict[str, Any]:
        """Return a fault at an exact message as it is now: its state, what it has seen and struck."""
        return dict(self.call("GET", f"{_faults_of(proxy)}/faults/{quote(fault, safe='')}"))

    def decide(self, hold: int, decision: str) -> None:
        """Decide on a held message: deliver, drop, cut or reset."""
        self._confirm(
            self.call("POST", f"/resilience/holds/{hold}", {"decision": decision}), {"decision": decision}
        )

    def extend(self, hold: int, seconds: float) -> None:
        """Let a held message wait so many seconds more."""
        self.call("POST", f"/resilience/holds/{hold}", {"lease": seconds})

    def touches(self, proxy: str, toxic: str) -> list[dict[str, Any]]:
        """Return the first time on each connection that a toxic changed anything there, in order."""
        return list(self.call("GET", f"{_faults_of(proxy)}/toxics/{quote(toxic, safe='')}")["touched"])


def _faults_of(proxy: str) -> str:
    return f"/resilience/proxies/{quote(proxy, safe='')}"
