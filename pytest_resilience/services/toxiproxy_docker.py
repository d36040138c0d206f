"""A real Toxiproxy in a container, on the host's network, so that it serves and reaches loopback ports."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.compose_file import image_of
from pytest_resilience.services.container import run_container
from pytest_resilience.services.docker_engine import Asked, docker_engine, fetch_image, version_in
from pytest_resilience.services.process import ChildProcess
from pytest_resilience.services.quiet_port import on_quiet_port
from pytest_resilience.services.reach import check_reach
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy import ToxiproxyAddress, answers
from pytest_resilience.services.toxiproxy_client import ToxiproxyClient

COMPOSE_SERVICE = "toxiproxy"
DEFAULT_IMAGE = "ghcr.io/shopify/toxiproxy:2.12.0"
"""For projects whose docker-compose.yml names none."""
ASKED = Asked("--chaos-toxiproxy=docker", instead="--chaos-toxiproxy=binary or =embedded")
START_TIMEOUT = 60.0


def image_for(folder: Path) -> str:
    """Return the image that the `toxiproxy` service of the folder's docker-compose.yml names, else the default.

    Raises:
        HarnessError: the file cannot be read, or takes the image from a variable.
    """
    return image_of(folder, COMPOSE_SERVICE, default=DEFAULT_IMAGE)


@dataclass(frozen=True, slots=True)
class DockerToxiproxy:
    """Containers of one image of Toxiproxy."""

    image: str
    ours: bool = True

    @classmethod
    def find(cls, folder: Path) -> DockerToxiproxy:
        """See that there is a Docker engine with the image that the folder asks for; fetch it if need be.

        Raises:
            HarnessError: there is no engine on this machine, or it has no such image and cannot get it.
        """
        found = cls(image_for(folder))
        if sys.platform != "linux":
            raise HarnessError(
                "--chaos-toxiproxy=docker needs a container on the host's network, which Docker has on Linux "
                "alone; use --chaos-toxiproxy=binary"
            )
        with docker_engine(ASKED) as engine:
            fetch_image(engine, found.image, ASKED)
        return found

    def title(self) -> str:
        """Return its kind and the version that the image's tag tells."""
        return f"Toxiproxy docker {version_in(self.image)}"

    def proxy_name(self, service: str) -> str:
        """Return the service's own name: nobody else has proxies there."""
        return service

    def start(self, run: RunFolder, name: str, port: int | None) -> tuple[ChildProcess, ToxiproxyAddress]:
        """Start a container whose API is on a loopback port."""
        log = run.folder(name) / "toxiproxy.log"
        child, address = on_quiet_port(lambda chosen: self._start(run, log, chosen), port)
        try:
            check_reach(
                ToxiproxyClient(address.host, address.port), f"resilience-probe-{secrets.token_hex(4)}"
            )
        except HarnessError:
            child.stop()
            raise
        return child, address

    def _start(self, run: RunFolder, log: Path, port: int) -> tuple[ChildProcess, ToxiproxyAddress]:
        settings = {
            "command": ["-host=127.0.0.1", f"-port={port}"],
            "network_mode": "host",
            "read_only": True,
            "cap_drop": ["ALL"],
        }
        child = run_container(
            run, "toxiproxy", image=self.image, title="Toxiproxy", log=log, settings=settings
        )
        client = ToxiproxyClient("127.0.0.1", port)
        child.wait_until(lambda: answers(client), timeout=START_TIMEOUT)
        return child, ToxiproxyAddress(host=client.host, port=port, log=str(log))
