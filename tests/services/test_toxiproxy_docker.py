"""Toxiproxy in a container: the image is the one of docker-compose.yml, and no container outlives its run."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.docker_engine import docker_engine
from pytest_resilience.services.process import ServiceStartError
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.supervised_toxiproxy import SupervisedToxiproxy
from pytest_resilience.services.toxiproxy_client import ToxiproxyClient
from pytest_resilience.services.toxiproxy_docker import (
    ASKED,
    DEFAULT_IMAGE,
    DockerToxiproxy,
    image_for,
)

ROOT = Path(__file__).parents[2]
HANG_GUARD = 60.0
"""Seconds after which something that should have happened is taken to be never going to."""
NO_IMAGE = "example.invalid/no/such/image:1"


def test_default_is_the_image_of_our_compose_file() -> None:
    """One version is pinned, in two places that cannot differ."""
    assert image_for(ROOT) == DEFAULT_IMAGE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, DEFAULT_IMAGE),
        ("", DEFAULT_IMAGE),
        ("services:\n  postgres: {image: 'postgres:18'}\n", DEFAULT_IMAGE),
        ("services:\n  toxiproxy: {build: .}\n", DEFAULT_IMAGE),
        ("services:\n  toxiproxy:\n    image: example.org/toxi:3 # ours\n", "example.org/toxi:3"),
    ],
)
def test_image(tmp_path: Path, text: str | None, expected: str) -> None:
    """A project's docker-compose.yml decides, where it names an image for `toxiproxy`."""
    if text is not None:
        (tmp_path / "docker-compose.yml").write_text(text)

    assert image_for(tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services: [\n", r"cannot read which image of toxiproxy to use from .*docker-compose\.yml"),
        ("services:\n  toxiproxy: {image: '$IMAGE'}\n", r"the image of service toxiproxy .* is '\$IMAGE'"),
        ("services:\n  toxiproxy: {image: 3}\n", r"is 3: write it out there"),
    ],
)
def test_image_that_is_unclear_is_told(tmp_path: Path, text: str, words: str) -> None:
    """A file that cannot be read, or that asks somebody else, is an error that names it."""
    (tmp_path / "docker-compose.yml").write_text(text)

    with pytest.raises(HarnessError, match=words):
        image_for(tmp_path)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("ghcr.io/shopify/toxiproxy:2.12.0", "2.12.0"),
        ("localhost:5000/toxiproxy", "localhost:5000/toxiproxy"),
        ("toxiproxy:latest", "toxiproxy:latest"),
    ],
)
def test_title_tells_the_version(image: str, version: str) -> None:
    """The header shows the tag where it is a version, and else the image."""
    assert DockerToxiproxy(image).title() == f"Toxiproxy docker {version}"


def test_missing_engine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no Docker engine answers the error says so, and what needs none."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    with pytest.raises(
        HarnessError,
        match=r"no Docker engine answers at unix:///nowhere/docker\.sock: .*=binary",
    ):
        DockerToxiproxy.find(ROOT)


def test_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Docker's package the error says which command installs it."""
    monkeypatch.setitem(sys.modules, "docker", None)

    with pytest.raises(HarnessError, match=r'pip install "pytest-resilience\[chaos\]"'):
        DockerToxiproxy.find(ROOT)


def test_other_systems_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Docker has no host network the error says what to use."""
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(HarnessError, match=r"on Linux alone; use --chaos-toxiproxy=binary"):
        DockerToxiproxy.find(ROOT)


def test_start_that_fails_is_told(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine said stands in the error, with the image."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    with pytest.raises(
        ServiceStartError, match=r"(?s)Toxiproxy in a container of x:1 ended with status 1.*failed:"
    ):
        DockerToxiproxy("x:1").start(run, "toxiproxy", None)


@pytest.fixture
def image() -> DockerToxiproxy:
    """The image in a real engine, or a skip that says what is missing."""
    try:
        return DockerToxiproxy.find(ROOT)
    except HarnessError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def containers(image: DockerToxiproxy) -> Iterator[Callable[[int], list[Any]]]:
    """List the containers of the run that a process owns, ended ones too."""
    with docker_engine(ASKED) as engine:
        yield lambda owner: engine.containers.list(
            all=True, filters={"label": f"pytest-resilience.owner={owner}"}, ignore_removed=True
        )


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + HANG_GUARD
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "it never came about"
        pause.wait(0.02)


def test_missing_image_is_told(image: DockerToxiproxy, tmp_path: Path) -> None:
    """An image that the engine cannot fetch is named, with the command that shows more."""
    (tmp_path / "docker-compose.yml").write_text(f"services:\n  toxiproxy: {{image: '{NO_IMAGE}'}}\n")

    with pytest.raises(
        HarnessError, match=f"has no image {NO_IMAGE} and could not fetch it.*docker pull {NO_IMAGE}"
    ):
        DockerToxiproxy.find(tmp_path)


def test_container_from_start_to_end(
    image: DockerToxiproxy, run: RunFolder, containers: Callable[[int], list[Any]]
) -> None:
    """It serves on loopback, may do nothing but that, is labelled, crashes and comes again, and goes."""
    toxiproxy = SupervisedToxiproxy(image, run, "toxiproxy")
    listen = toxiproxy.create_proxy("p", "127.0.0.1:1")
    (first,) = containers(run.owner)
    allowed = first.attrs["HostConfig"]
    first.kill()
    toxiproxy.set_enabled("p", enabled=False)
    (second,) = [found for found in containers(run.owner) if found.id != first.id]
    seen = ToxiproxyClient("127.0.0.1", toxiproxy.address.port).proxies()["p"]
    toxiproxy.stop()

    assert (first.labels["pytest-resilience"], first.name.startswith("pytest-resilience-toxiproxy-")) == (
        "toxiproxy",
        True,
    )
    assert (allowed["NetworkMode"], allowed["AutoRemove"], allowed["ReadonlyRootfs"], allowed["CapDrop"]) == (
        "host",
        True,
        True,
        ["ALL"],
    )
    assert (seen["listen"], seen["enabled"], len(toxiproxy.replacements)) == (listen, False, 1)
    assert second.name != first.name
    wait_for(lambda: containers(run.owner) == [])


OWNER = """
import threading
from pathlib import Path
import sys
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy_docker import DockerToxiproxy

run = RunFolder.make()
DockerToxiproxy.find(Path(sys.argv[1])).start(run, "toxiproxy", None)
print(run.path, flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_killed_run_leaves_no_container(
    image: DockerToxiproxy, containers: Callable[[int], list[Any]], end: signal.Signals
) -> None:
    """Whatever ends the run, SIGKILL too, its container goes, and its folder."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(ROOT)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        running = containers(owner.pid)
        owner.send_signal(end)

    assert len(running) == 1
    wait_for(lambda: containers(owner.pid) == [])
    wait_for(lambda: not folder.exists())
