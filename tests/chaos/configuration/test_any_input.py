"""Whatever stands under the known keys, the answer is a configuration or complaints, and what is valid is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_resilience.chaos.configuration.alerts import RULE_KEYS
from pytest_resilience.chaos.configuration.error import ConfigurationError
from pytest_resilience.chaos.configuration.promises import ATOMIC_KEYS, EXACTLY_ONCE_KEYS
from pytest_resilience.chaos.configuration.reading import configuration_of
from pytest_resilience.chaos.configuration.services import KEYS as SERVICE_KEYS
from pytest_resilience.chaos.configuration.settings import KEYS
from pytest_resilience.chaos.configuration.workloads import DRIVE_KEYS
from pytest_resilience.chaos.configuration.workloads import KEYS as WORKLOAD_KEYS

TEXTS = st.sampled_from(
    [
        *(
            "",
            " ",
            "postgres",
            "http",
            "tcp",
            "mlflow",
            "db",
            "{port}",
            "{",
            "}}",
            "x 'y",
            "a:b",
            "GET /",
            "../x",
            "~",
        ),
        *(
            "/etc",
            "schema.sql",
            "a.b.c",
            "s.t",
            "1s",
            "-1s",
            "http://h",
            "h:1",
            ".",
            "",
            "a/b",
            "é",
            "\\",
            '"',
            "*.py",
        ),
        *(
            "x" * 300,
            "a.py",
            "rerun",
            "HIGH",
            "(",
            "{python} {port}",
            "data/icustays.csv",
            "stay_id",
            "a\tb",
            "a\x00b",
        ),
    ]
)
SCALARS = TEXTS | st.booleans() | st.integers(-2, 3) | st.floats(allow_nan=True)
NAMES = st.sampled_from(["db", "job", "a b", "", "é"])


def _tables(keys: tuple[str, ...], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from([*keys, "typo"]), values, max_size=6)


ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES, inner, max_size=3)
        | st.lists(_tables((*EXACTLY_ONCE_KEYS, *ATOMIC_KEYS, *RULE_KEYS), inner), max_size=2)
        | _tables(DRIVE_KEYS, inner)
    ),
    max_leaves=5,
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(KEYS, ANY),
        "services": st.dictionaries(NAMES, _tables(SERVICE_KEYS, ANY) | SCALARS, max_size=3),
        "workloads": st.dictionaries(NAMES, _tables(WORKLOAD_KEYS, ANY) | SCALARS, max_size=3),
    },
)


@given(values=DOCUMENTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_never_anything_else(project: Path, values: dict[str, Any]) -> None:
    """No crash, and every complaint has a place in the file."""
    text = "".join(f"{key} = {_written(value)}\n" for key, value in values.items())
    try:
        configuration_of(project / "resilience.toml", text)
    except ConfigurationError as error:
        lines = text.split("\n")
        for complaint in error.complaints:
            assert 1 <= complaint.position.line <= len(lines)
            assert 1 <= complaint.position.column <= len(lines[complaint.position.line - 1]) + 1
            assert "not TOML" not in complaint.message


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value) if isinstance(value, str | bool) else str(value)
