"""No test is green for nothing: what its faults have not shown by its end makes a test that passed red."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_resilience.plugin.fixtures import SANDBOX
from pytest_resilience.plugin.runtime_fixtures import INBOX

if TYPE_CHECKING:
    from pytest_resilience.chaos.sandbox import Sandbox
    from pytest_resilience.services.alert_inbox import AlertInbox

OUTCOMES: pytest.StashKey[list[str]] = pytest.StashKey()
"""What was reported of the test itself, and of its subtests before it."""


def note_outcome(item: pytest.Item, report: pytest.TestReport) -> None:
    """Keep what became of a test until its end."""
    if report.when == "call":
        item.stash.setdefault(OUTCOMES, []).append(report.outcome)


def forget(item: pytest.Item) -> None:
    """Keep nothing of a test that is over: it may be run again."""
    keys: tuple[pytest.StashKey[Any], ...] = (OUTCOMES, SANDBOX, INBOX)
    for key in keys:
        if key in item.stash:
            del item.stash[key]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Fail a test that passed, and was undone without an error, for each of its faults that showed nothing."""
    yield
    outcomes = item.stash.get(OUTCOMES, [])
    if outcomes[-1:] != ["passed"] or "failed" in outcomes:
        return
    missing: list[str] = []
    if (sandbox := item.stash.get(SANDBOX, None)) is not None:
        missing += _missing_of(sandbox)
    if (inbox := item.stash.get(INBOX, None)) is not None:
        missing += _missing_at(inbox)
    if missing:
        pytest.fail("\n".join(missing), pytrace=False)


def _missing_of(sandbox: Sandbox) -> Iterator[str]:
    from pytest_resilience.chaos.fault import never_fired

    forgotten = [fault.name for fault in sandbox.faults if fault.forgotten]
    if forgotten:
        yield (
            f"unproven: made and never injected: {', '.join(forgotten)}; a fault lasts as long as its block, "
            "write `with ...:` around the code that has to survive it"
        )
    for point in sandbox.points:
        *most, last = (f".{kind}()" for kind in point.kinds)
        yield (
            f"unproven: {point.asked} was made and no fault was set at it: call {', '.join(most)} or {last}, "
            "and write `with ...:` around the code that has to survive it"
        )
    for fault in sandbox.faults:
        if fault.unproven:
            yield never_fired(fault.name)


def _missing_at(inbox: AlertInbox) -> Iterator[str]:
    from pytest_resilience.chaos.fault import never_fired

    for endpoint in (inbox.pagerduty, inbox.slack, inbox.email):
        for fault in endpoint.faults:
            if fault.unproven:
                yield never_fired(fault.name)
