"""Tell of a Toxiproxy that hung and was replaced, without turning the test red that met it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import pytest


class ToxiproxyReplacedWarning(pytest.PytestWarning):
    """Say that the real Toxiproxy hung, and that another one took its place."""


def tell_of_replacements(item: pytest.Item, reasons: Iterable[str]) -> None:
    """Put the reasons into pytest's summary of warnings.

    They are recorded, not raised: under `filterwarnings = error` Toxiproxy's bug would fail the user's test.
    """
    path, line, _ = item.reportinfo()
    for reason in reasons:
        warning = ToxiproxyReplacedWarning(reason)
        message = warnings.WarningMessage(warning, ToxiproxyReplacedWarning, str(path), (line or 0) + 1)
        item.ihook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": message,
                "nodeid": item.nodeid,
                "when": "runtest",
                "location": None,
            }
        )
