"""What a red chaos test prints beside its error: the faults, what the services said, how to replay."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_resilience.plugin.fixtures import SANDBOX
from pytest_resilience.plugin.outcome import attach, keep
from pytest_resilience.plugin.proof import forget, note_outcome
from pytest_resilience.plugin.replays import given_here, named_here
from pytest_resilience.plugin.session import RUN

if TYPE_CHECKING:
    from pytest_resilience.chaos.sandbox import Sandbox


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add our sections to the report of a chaos test that failed."""
    report = yield
    _note_proof(item)
    attach(item, report)
    note_outcome(item, report)
    run = item.config.stash.get(RUN, None)
    sandbox = item.stash.get(SANDBOX, None)
    if run is not None and report.failed and (sandbox is not None or report.when == "setup"):
        if sandbox is not None:
            report.sections.extend(_sections(sandbox))
        options = ("--resilience-chaos", f"--chaos-seed={run.seed}", *given_here(item.config))
        replay = " ".join(("pytest", *options, named_here(item.config, item.nodeid)))
        report.sections.append(("resilience: replay", replay))
    if report.when == "teardown":
        forget(item)
    return report


def _note_proof(item: pytest.Item) -> None:
    """Note which checklist items a test is evidence for."""
    marker = item.get_closest_marker("chaos")
    proves = [] if marker is None else marker.kwargs.get("proves", ())
    if proves:
        keep(item, {"proves": list(proves)})


def _sections(sandbox: Sandbox) -> Generator[tuple[str, str], None, None]:
    yield "resilience: faults", "\n".join(_fault_lines(sandbox)) or "none was injected"
    for name, view in sandbox.logs.items():
        lines = view.last_lines()
        yield f"resilience: log of {name}", "\n".join(lines) or "(nothing was written during this test)"


def _fault_lines(sandbox: Sandbox) -> Generator[str, None, None]:
    for fault in sandbox.faults:
        hits = ", ".join(
            f"{receipt.at:.3f} s" + (f" {receipt.message}" if receipt.message else "")
            for receipt in fault.receipts
        )
        yield f"{fault.name}: " + (f"fired at {hits}" if hits else "never fired")
