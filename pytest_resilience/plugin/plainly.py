"""What went wrong with the harness, told in its own words, without its stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def told_plainly() -> Iterator[None]:
    """Fail the test with the message of a harness error alone."""
    from pytest_resilience.errors import HarnessError

    told = None
    try:
        yield
    except HarnessError as error:
        told = str(error)
    if told is not None:
        pytest.fail(told, pytrace=False)
