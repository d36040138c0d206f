"""The Docker engine that the environment names, and the images that it has or can fetch."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_resilience.errors import HarnessError

_TAG = re.compile(r":v?(\d[\w.-]*)$")


@dataclass(frozen=True, slots=True)
class Asked:
    """The option that containers were asked for with.

    Args:
        option: as it was given.
        instead: what needs no Docker.
    """

    option: str
    instead: str


def version_in(image: str) -> str:
    """Return the tag of an image where it is a version, without a leading `v`; else the whole image."""
    tag = _TAG.search(image)
    return tag[1] if tag else image


@contextlib.contextmanager
def docker_engine(asked: Asked) -> Iterator[Any]:
    """Talk to the Docker engine that the environment names.

    Raises:
        HarnessError: none answers.
    """
    try:
        import docker
    except ImportError as error:
        raise HarnessError(
            f'{asked.option} needs a package: pip install "pytest-resilience[chaos]"'
        ) from error
    try:
        _knock()
        engine = docker.from_env()  # asks for the engine's version
    except (OSError, docker.errors.DockerException) as error:
        raise HarnessError(
            f"no Docker engine answers at {_host()}: {error}; start one (DOCKER_HOST says where it is), "
            f"or use {asked.instead}, for which none is needed"
        ) from error
    with contextlib.closing(engine):
        yield engine


def fetch_image(engine: Any, image: str, asked: Asked) -> None:
    """See to it that the engine has an image.

    Raises:
        HarnessError: it has none, and cannot get it.
    """
    from docker.errors import DockerException, ImageNotFound

    try:
        with contextlib.suppress(ImageNotFound):
            engine.images.get(image)
            return
        engine.images.pull(image)
    except (DockerException, OSError) as error:
        raise HarnessError(
            f"the Docker engine at {_host()} has no image {image} and could not fetch it: {error}; "
            f"`docker pull {image}` shows more, or use {asked.instead}"
        ) from error


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
