"""A real Toxiproxy: the binary, started for this run, or one at a URL that somebody else runs."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.own_environment import own_environment
from pytest_resilience.services.process import ChildProcess, Command, tail
from pytest_resilience.services.quiet_port import on_quiet_port
from pytest_resilience.services.reach import check_reach
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy_client import EngineSilentError, ToxiproxyClient

BINARY = "toxiproxy-server"
LOCAL_BINARY = Path(".tools", "bin", BINARY)
DEFAULT_PORT = 8474
START_TIMEOUT = 30.0
INSTALL = (
    "`make toxiproxy` builds it there, where the Makefile has that target; elsewhere, with Go: "
    f"GOBIN=$PWD/{LOCAL_BINARY.parent} go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0 "
    f"&& mv {LOCAL_BINARY.parent}/server {LOCAL_BINARY}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToxiproxyAddress:
    """Where a Toxiproxy's HTTP API is, and the log of the process that we run for it."""

    host: str
    port: int
    log: str


class ToxiproxySource(Protocol):
    """Where a real Toxiproxy comes from."""

    @property
    def ours(self) -> bool:
        """Whether we run it, and may end it and start another in its place."""

    def title(self) -> str:
        """Return its kind and version, for the header.

        Raises:
            HarnessError: it cannot be had.
        """

    def proxy_name(self, service: str) -> str:
        """Return what the proxy of a service is called there."""

    def start(self, run: RunFolder, name: str, port: int | None) -> tuple[ChildProcess, ToxiproxyAddress]:
        """Start it.

        Args:
            run: the folder and the owner of the process.
            name: its sub-folder.
            port: the loopback port of its API; none is any that is free.

        Raises:
            ServiceStartError: it did not start.
        """


@dataclass(frozen=True, slots=True)
class BinaryToxiproxy:
    """The `toxiproxy-server` of this machine."""

    path: Path
    ours: bool = True

    @classmethod
    def find(cls, folder: Path) -> BinaryToxiproxy:
        """Look on PATH, then where `make toxiproxy` puts it below `folder`.

        Raises:
            HarnessError: it is in neither place.
        """
        local = folder / LOCAL_BINARY
        found = shutil.which(BINARY) or shutil.which(local)
        if found is None:
            raise HarnessError(
                f"no {BINARY} for --chaos-toxiproxy=binary: looked on PATH ({os.environ.get('PATH', '')}) "
                f"and for {local}; {INSTALL}"
            )
        return cls(Path(found).absolute())

    def title(self) -> str:
        """Return its kind and version."""
        return f"Toxiproxy binary {self._version()}"

    def proxy_name(self, service: str) -> str:
        """Return the service's own name: nobody else has proxies there."""
        return service

    def start(self, run: RunFolder, name: str, port: int | None) -> tuple[ChildProcess, ToxiproxyAddress]:
        """Start it on a loopback port."""
        log = run.folder(name) / "toxiproxy.log"
        return on_quiet_port(lambda chosen: self._start(run, log, chosen), port)

    def _start(self, run: RunFolder, log: Path, port: int) -> tuple[ChildProcess, ToxiproxyAddress]:
        arguments = [str(self.path), "-host", "127.0.0.1", "-port", str(port)]
        child = ChildProcess("Toxiproxy", Command(arguments=arguments, log=log, run=run, grace=1.0))
        client = ToxiproxyClient("127.0.0.1", port)
        child.wait_until(lambda: answers(client), timeout=START_TIMEOUT)
        return child, ToxiproxyAddress(host=client.host, port=port, log=str(log))

    def _version(self) -> str:
        try:
            told = subprocess.run(
                [self.path, "-version"],
                env=own_environment(),
                capture_output=True,
                text=True,
                check=True,
                timeout=START_TIMEOUT,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise HarnessError(
                f"{self.path} -version failed: {error}; is it a Toxiproxy for this machine?"
            ) from error
        return told.stdout.split()[-1] if told.stdout.strip() else "of unknown version"


@dataclass(frozen=True, slots=True)
class ToxiproxyAtUrl:
    """A Toxiproxy that somebody else runs, and that others may use at the same time.

    Our proxies there have names that nobody else chooses; everything else there is left alone.
    """

    host: str
    port: int
    prefix: str = field(default_factory=lambda: f"resilience-{secrets.token_hex(4)}-")
    ours: bool = False

    @classmethod
    def parse(cls, url: str) -> ToxiproxyAtUrl:
        """Read `http://host:port`; without a port it is Toxiproxy's own, 8474.

        Raises:
            HarnessError: it is something else.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or DEFAULT_PORT
        except ValueError:
            parts, host, port = urlsplit(""), None, 0
        if parts.scheme != "http" or not host or parts.path.strip("/") or parts.query or parts.username:
            raise HarnessError(
                f"--chaos-toxiproxy is {url!r}: it is auto, embedded, binary, docker, "
                f"or the address of a Toxiproxy, such as http://127.0.0.1:{DEFAULT_PORT}"
            )
        return cls(host, port)

    @classmethod
    def find(cls, url: str) -> ToxiproxyAtUrl:
        """Read the address, and see that what is there can be used from here.

        Raises:
            HarnessError: it cannot.
        """
        found = cls.parse(url)
        found.client.version()
        check_reach(found.client, f"{found.prefix}probe")
        return found

    @property
    def client(self) -> ToxiproxyClient:
        """A client of it."""
        return ToxiproxyClient(self.host, self.port)

    def title(self) -> str:
        """Return where it is and its version."""
        return f"Toxiproxy http://{self.host}:{self.port} {self.client.version()}"

    def proxy_name(self, service: str) -> str:
        """Return a name that nobody else has."""
        return f"{self.prefix}{service}"

    def start(self, run: RunFolder, name: str, port: int | None) -> tuple[ChildProcess, ToxiproxyAddress]:  # noqa: ARG002 - its port is its own
        """See to it that our proxies there go, whatever ends this run."""
        log = run.folder(name) / "toxiproxy.log"
        keeper = [sys.executable, "-m", "pytest_resilience.services.toxiproxy_keeper"]
        command = Command(
            arguments=[*keeper, self.host, str(self.port), self.prefix], log=log, run=run, grace=20.0
        )
        child = ChildProcess("the keeper of our proxies at Toxiproxy", command)
        child.wait_until(lambda: bool(tail(log)), timeout=START_TIMEOUT)
        return child, ToxiproxyAddress(host=self.host, port=self.port, log=str(log))


def answers(client: ToxiproxyClient) -> bool:
    """Tell whether a Toxiproxy answers there by now."""
    try:
        client.version()
    except EngineSilentError:
        return False
    return True
