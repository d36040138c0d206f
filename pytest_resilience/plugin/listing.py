"""`--chaos-list`: what there is, without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.plugin.suite import SUITE, Suite

if TYPE_CHECKING:
    from pytest_resilience.chaos.configuration.model import Configuration


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> bool | None:
    """List instead of collecting."""
    suite = session.config.stash.get(SUITE, None)
    if suite is None or not session.config.getoption("resilience_list", default=False):
        return None
    writer = session.config.get_terminal_writer()
    for line in listing(suite, points=session.config.get_verbosity() > 0):
        writer.line(line)
    return True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Call it a success that nothing was run."""
    if (
        session.config.getoption("resilience_list", default=False)
        and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    ):
        session.exitstatus = pytest.ExitCode.OK


def listing(suite: Suite, *, points: bool) -> Iterator[str]:
    """Yield the lines: services, workloads, scenarios, fault kinds, and on demand fault points."""
    configuration = suite.configuration
    yield from _services(configuration)
    yield from _workloads(configuration)
    yield "scenarios:"
    for scenario in suite.scenarios:
        yield f"  {suite.id_of(scenario)}: {scenario.title} (workload {scenario.workload})"
    if not suite.scenarios:
        yield f"  none in {configuration.scenarios}"
    yield from _kinds()
    if points:
        yield from _points(suite)


def _services(configuration: Configuration) -> Iterator[str]:
    yield "services:"
    for service in configuration.services.values():
        variables = ", ".join(service.env) or "no variable"
        yield f"  {service.name}: {service.kind}, component {service.component}, told by {variables}"
    if not configuration.services:
        yield "  none is declared; the fixtures postgres and mlflow_server work without"


def _workloads(configuration: Configuration) -> Iterator[str]:
    yield "workloads:"
    for workload in configuration.workloads.values():
        what = workload.function or " ".join(workload.command)
        yield f"  {workload.name}: {workload.shape}, {what}, uses {', '.join(workload.uses) or 'nothing'}"
    if not configuration.workloads:
        yield "  none is declared; `python -m pytest_resilience init` writes a starting configuration"


def _kinds() -> Iterator[str]:
    from pytest_resilience.chaos.scenario.kinds import FAULT_KINDS

    yield "fault kinds:"
    for kind in FAULT_KINDS:
        attributes = ", ".join(attribute.name for attribute in kind.attributes)
        yield f"  {kind.name}{f' ({attributes})' if attributes else ''}: {kind.text}"


def _points(suite: Suite) -> Iterator[str]:
    from pytest_resilience.chaos.points.recording import outline

    for name in suite.configuration.workloads:
        try:
            clean = suite.laboratory.clean(name)
        except HarnessError as error:
            yield f"fault points of {name}: none, {error}"
            continue
        if clean.why_not is not None:
            yield f"fault points of {name}: none, {clean.why_not}"
            continue
        yield f"fault points of {name}: {len(clean.recording.points)}"
        for line in outline(clean.recording):
            yield f"  {line}"
