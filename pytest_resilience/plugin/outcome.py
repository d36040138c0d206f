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


class WrongError(AssertionError):
    """Say what code under test did wrong."""


class UnprovenError(AssertionError):
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


def plainly(error: BaseException) -> str | None:
    """Return an error of the harness, or a verdict, in words without a stack; none for others."""
    return str(error) if isinstance(error, HarnessError | WrongError | UnprovenError) else None
