"""A real Toxiproxy in a container, on the host's network, so that it serves and reaches loopback ports."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.process import ChildProcess, Command
from pytest_resilience.services.reach import check_reach
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy import ToxiproxyAddress, answers, on_quiet_port
from pytest_resilience.services.toxiproxy_client import ToxiproxyClient

COMPOSE_FILE = "docker-compose.yml"
COMPOSE_SERVICE = "toxiproxy"
DEFAULT_IMAGE = "ghcr.io/shopify/toxiproxy:2.12.0"
"""For projects whose docker-compose.yml names none."""
_VERSION_TAG = re.compile(r":(\d[\w.-]*)$")
LABEL = "pytest-resilience"
START_TIMEOUT = 60.0


def image_for(folder: Path) -> str:
    """Return the image that the `toxiproxy` service of the folder's docker-compose.yml names, else the default.

    Raises:
        HarnessError: the file cannot be read, or takes the image from a variable.
    """
    file = folder / COMPOSE_FILE
    if not file.is_file():
        return DEFAULT_IMAGE
    service = _compose_services(file).get(COMPOSE_SERVICE)
    image = service.get("image", DEFAULT_IMAGE) if isinstance(service, dict) else DEFAULT_IMAGE
    if not isinstance(image, str) or "$" in image:
        raise HarnessError(
            f"the image of service {COMPOSE_SERVICE} in {file} is {image!r}: write it out there, "
            f"for example {DEFAULT_IMAGE}"
        )
    return image


def _compose_services(file: Path) -> dict[str, Any]:
    from ruamel import yaml  # noqa: PLC0415 - it comes with the `chaos` extra, and this form alone reads YAML

    try:
        document = yaml.YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.error.YAMLError) as error:
        raise HarnessError(f"cannot read which image of Toxiproxy to use from {file}: {error}") from error
    services = document.get("services") if isinstance(document, dict) else None
    return services if isinstance(services, dict) else {}


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
        with docker_engine() as engine:
            found._fetch(engine)
        return found

    def title(self) -> str:
        """Return its kind and the version that the image's tag tells."""
        version = _VERSION_TAG.search(self.image)
        return f"Toxiproxy docker {version[1] if version else self.image}"

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
        order = {
            "image": self.image,
            "name": f"{LABEL}-toxiproxy-{run.owner}-{secrets.token_hex(4)}",
            "command": ["-host=127.0.0.1", f"-port={port}"],
            "labels": {LABEL: "toxiproxy", f"{LABEL}.owner": str(run.owner)},
        }
        keeper = [sys.executable, "-m", "pytest_resilience.services.container_keeper", json.dumps(order)]
        child = ChildProcess(
            f"Toxiproxy in a container of {self.image}",
            Command(arguments=keeper, log=log, run=run, grace=20.0),
        )
        client = ToxiproxyClient("127.0.0.1", port)
        child.wait_until(lambda: answers(client), timeout=START_TIMEOUT)
        return child, ToxiproxyAddress(host=client.host, port=port, log=str(log))

    def _fetch(self, engine: Any) -> None:
        from docker.errors import DockerException, ImageNotFound

        try:
            with contextlib.suppress(ImageNotFound):
                engine.images.get(self.image)
                return
            engine.images.pull(self.image)
        except (DockerException, OSError) as error:
            raise HarnessError(
                f"the Docker engine has no image {self.image} and could not fetch it: {error}; "
                f"`docker pull {self.image}` shows more, or use --chaos-toxiproxy=binary"
            ) from error


@contextlib.contextmanager
def docker_engine() -> Iterator[Any]:
    """Talk to the Docker engine that the environment names.

    Raises:
        HarnessError: none answers.
    """
    try:
        import docker
    except ImportError as error:
        raise HarnessError(
            '--chaos-toxiproxy=docker needs a package: pip install "pytest-resilience[chaos]"'
        ) from error
    try:
        _knock()
        engine = docker.from_env()  # asks for the engine's version
    except (OSError, docker.errors.DockerException) as error:
        raise _no_engine(error) from error
    with contextlib.closing(engine):
        yield engine


def _knock() -> None:
    """Connect to the engine's Unix socket; Docker's package leaves its own open where nobody is there.

    Raises:
        OSError: nobody is there.
    """
    host = _host().removeprefix("http+")
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.connect(host.removeprefix("unix://"))


def _host() -> str:
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def _no_engine(error: Exception) -> HarnessError:
    return HarnessError(
        f"no Docker engine answers at {_host()}: {error}; start one (DOCKER_HOST says where it is), "
        "or use --chaos-toxiproxy=binary or =embedded, which need none"
    )
