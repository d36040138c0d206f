"""Every line of the tables of faults is accepted by the engine, injected, and healed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_resilience.chaos.network_kinds import NETWORK_KINDS
from pytest_resilience.chaos.point import HttpPoint, PostgresPoint

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^\| `((?:postgres|mlflow_server|chaos)\.[^`]+)`", re.MULTILINE)
LINES = {
    page: LINE.findall((ROOT / page).read_text(encoding="utf-8")) for page in ("README.md", "docs/faults.md")
}
KINDS = {kind.name for kind in NETWORK_KINDS} | set(PostgresPoint.KINDS) | set(HttpPoint.KINDS)


@pytest.mark.parametrize("page", LINES)
def test_lines_of_the_table(page: str, postgres: Any, mlflow_server: Any, chaos: Any) -> None:
    """Each line, as it stands there, makes a fault that the engine takes and that heals."""
    for line in LINES[page]:
        fault = eval(line, {"postgres": postgres, "mlflow_server": mlflow_server, "chaos": chaos})  # noqa: S307
        fault._must_fire = False
        with fault:
            pass

        assert not fault._active, line


def test_table_is_complete() -> None:
    """Every fault kind has a line in the docs."""
    text = "\n".join(LINES["docs/faults.md"])

    assert [kind for kind in sorted(KINDS) if f".{kind}(" not in text] == []
