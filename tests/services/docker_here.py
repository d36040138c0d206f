"""A real Docker engine for tests, or a skip that says what is missing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from docker.errors import (
    ImageNotFound,
)  # at once: pytester takes modules away that a test was the first to import

from pytest_resilience.errors import HarnessError
from pytest_resilience.services import mlflow_docker, postgres_docker
from pytest_resilience.services.compose_file import image_of
from pytest_resilience.services.docker_engine import Asked, docker_engine

ROOT = Path(__file__).parents[2]
ASKED = Asked("this test", instead="the embedded backend")
DEFAULTS = {"postgres": postgres_docker.DEFAULT_IMAGE, "mlflow": mlflow_docker.DEFAULT_IMAGE}


def image(service: str) -> str:
    """Return the image that our docker-compose.yml names."""
    return image_of(ROOT, service, default=DEFAULTS[service])


@contextmanager
def engine_with(*services: str) -> Iterator[Any]:
    """Give an engine that has the images of these services; without one, skip."""
    try:
        opened = docker_engine(ASKED)
        engine = opened.__enter__()
    except HarnessError as missing:
        pytest.skip(str(missing))
    try:
        for service in services:
            engine.images.get(image(service))
    except ImageNotFound as missing:
        opened.__exit__(None, None, None)
        pytest.skip(
            f"the Docker engine lacks an image: `make images` gets or makes it ({missing.explanation})"
        )
    try:
        yield engine
    finally:
        opened.__exit__(None, None, None)


def of_run(engine: Any, owner: int) -> list[Any]:
    """Return the containers of the run that a process owns, ended ones too."""
    label = f"pytest-resilience.owner={owner}"
    found: list[Any] = engine.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; pytest-timeout guards against one that never does."""
    pause = threading.Event()
    while not condition():
        pause.wait(0.05)
