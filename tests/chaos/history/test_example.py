"""The example that a reader sees first does what it says."""

from __future__ import annotations

import textwrap

from pytest_resilience.chaos import history


def test_example_of_the_package_runs():
    """Its block is run as it stands, assertion and all."""
    block = [line for line in (history.__doc__ or "").splitlines() if line.startswith("    ") or not line]
    names: dict[str, object] = {}
    exec(textwrap.dedent("\n".join(block)), names)  # noqa: S102

    assert len(names["history"]) == 3
