"""What a `time_scale` cannot make faster runs, and is waited for, at its own pace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.laboratory.clean import keeps_its_pace
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.record import ProcessRecord
from pytest_resilience.services.run_folder import RunFolder

CONFIGURATION = """
time_scale = 10

[workloads.python]
command = ["{python}", "-c", "pass"]

[workloads.shell]
command = ["sh", "-c", "exit 0"]

[workloads.wrapped]
command = ["sh", "-c", "{python} -c pass"]

[workloads.isolated]
command = ["{python}", "-I", "-S", "-c", "pass"]
"""


@pytest.fixture(scope="module")
def laboratory(pool: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A laboratory in which time is to run ten times faster."""
    folder: Path = tmp_path_factory.mktemp("scaled")
    (folder / "resilience.toml").write_text(CONFIGURATION)
    made = Laboratory(read_configuration(folder), pool, RunFolder.make(), seed=1)
    yield made
    made.close()


@pytest.mark.parametrize(("name", "scale"), [("python", 10), ("shell", 1), ("wrapped", 10), ("isolated", 1)])
def test_only_what_is_in_python_is_scaled(name: str, scale: float, laboratory: Laboratory) -> None:
    """A deadline of 60 s is 60 s for a shell script, and a tenth of that would end a sound one."""
    clean = laboratory.clean(name)

    assert clean.why_not is None
    assert clean.record.time_scale == scale
    assert laboratory.plan(name).tweaks.time_scale == scale


@pytest.mark.parametrize("busy", [True, False])
def test_who_is_busy_for_longer_than_it_may_wait_is_not_scaled(*, busy: bool, laboratory: Laboratory) -> None:
    """Its computing, and what it waits for in a database, are as slow as they are."""
    record = laboratory.clean("python").record
    process = ProcessRecord(began=0.0, ended=None if busy else 1.0, exit_code=0, blocked=busy)

    assert keeps_its_pace(replace(record, processes=(process,))) == busy
