"""The declared environment: code in the process of a chaos test finds the declared services where it looks for them."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_resilience.plugin.plainly import told_plainly

if TYPE_CHECKING:
    from pytest_resilience.chaos.configuration.model import Configuration
    from pytest_resilience.chaos.sandbox import Sandbox

FIXTURE = "resilience_environment"
SERVICES: pytest.StashKey[Sequence[str]] = pytest.StashKey()
"""The declared services that are there from the beginning of a test."""
SLOW_KINDS = ("mlflow",)
"""What takes seconds to start is there for a test that asks for it, or that asks for nothing by name."""


def add_to(item: pytest.Item, configuration: Configuration, fixtures: Collection[str]) -> None:
    """Have the declared variables set for a chaos test.

    Args:
        item: the test.
        configuration: what is declared.
        fixtures: those of ours that it uses.
    """
    if configuration.file is None or not hasattr(item, "fixturenames"):
        return
    item.stash[SERVICES] = [
        name
        for name, service in configuration.services.items()
        if not fixtures or service.kind not in SLOW_KINDS
    ]
    if FIXTURE not in item.fixturenames:
        item.fixturenames.insert(0, FIXTURE)


def services_of(item: pytest.Item) -> Sequence[str]:
    """Return the declared services that are there from the beginning of a test."""
    return item.stash.get(SERVICES, ())


@pytest.fixture
def resilience_environment(
    request: pytest.FixtureRequest, resilience_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The declared variables, set to this test's own services; those of services that it does not use are unset."""
    from pytest_resilience.chaos.known_state.environment import elsewhere_in_process

    for name in elsewhere_in_process(resilience_sandbox.configuration):
        monkeypatch.delenv(name, raising=False)
    for name, value in resilience_sandbox.variables().items():
        monkeypatch.setenv(name, value)
    with told_plainly():
        for name in services_of(request.node):
            resilience_sandbox.service(name)
    yield
    alerting = sys.modules.get("pytest_resilience.runtime.alerting.process")
    if alerting is not None:  # its outbox goes with the test
        alerting.stop_all()
