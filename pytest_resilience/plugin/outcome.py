"""How our items end, and what they hand over to the process that reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.plugin.suite import SUITE

KEPT: pytest.StashKey[dict[str, Any]] = pytest.StashKey()
"""What an item hands over to the report, as JSON can carry it."""

STATUS = {
    "passed": ("passed", ".", "SURVIVED"),
    "failed": ("failed", "F", "FAILED"),
    "waived": ("xfailed", "w", "WAIVED"),
}
"""How an experiment ended: what pytest counts it among, its letter, and its word."""


class VerdictError(AssertionError):
    """A verdict that is not good.

    Args:
        text: all that is to be said, in lines.
        why: the reason alone, for pytest's short summary.
    """

    def __init__(self, text: str, why: str) -> None:
        super().__init__(text)
        self.why = why


class WrongError(VerdictError):
    """Say what code under test did wrong."""


class UnprovenError(VerdictError):
    """Say why nothing is proven."""


def keep(item: pytest.Item, facts: Mapping[str, Any]) -> None:
    """Hand facts over to the report."""
    item.stash.setdefault(KEPT, {}).update(facts)


def attach(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put what an item hands over on its report, as text: a worker of pytest-xdist sends it so."""
    kept = item.stash.get(KEPT, None)
    if kept and report.when == "call":
        text, suite = json.dumps(kept), item.config.stash.get(SUITE, None)
        vars(report)["resilience"] = text if suite is None else suite.unnamed(text)


def kept_of(report: pytest.TestReport) -> dict[str, Any]:
    """Return what an item has handed over."""
    text = getattr(report, "resilience", None)
    return {} if text is None else dict(json.loads(text))


def plainly(excinfo: pytest.ExceptionInfo[BaseException]) -> object:
    """Return an error of the harness, or a verdict, in words without a stack; none for others.

    In continuous integration pytest's short summary shows all that an error says: it would say the whole run again.
    """
    error = excinfo.value
    if not isinstance(error, HarnessError | VerdictError):
        return None
    shown = excinfo.getrepr(style="value", chain=False)
    if isinstance(error, VerdictError) and shown.reprcrash is not None:
        shown.reprcrash.message = error.why
    return shown
