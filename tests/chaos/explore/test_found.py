"""What is found is written as a scenario that is red for the code that did it, and green for code that is sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.explore.exploration import explore
from pytest_resilience.chaos.explore.probe import fault_order
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.laboratory.scenario_trial import try_scenario
from pytest_resilience.chaos.scenario.files import read_scenarios
from pytest_resilience.chaos.scenario.model import When
from pytest_resilience.checklist.experiments.found_file import found_file
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder

SCHEMA = """
create table stays (id int primary key, "unit of care" text, seen timestamptz default clock_timestamp());
create table progress (done int);
insert into progress values (0);
"""
BEGIN = """
import os, sys, time
import psycopg2

def connect():
    return psycopg2.connect(os.environ["DATABASE_URL"])
"""
WORKLOADS = {
    # two commits, and nobody comes back after the first
    "torn": """
connection = connect()
connection.autocommit = True
connection.cursor().execute("insert into stays values (1, 'MICU')")
connection.cursor().execute("update progress set done = 1")
""",
    "whole": """
connection = connect()
cursor = connection.cursor()
cursor.execute("insert into stays values (1, 'MICU')")
cursor.execute("update progress set done = 1")
connection.commit()
""",
    # the number of rows is right, and what is in them is not
    "appended": """
def append():
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("insert into stays values (1, '') on conflict do nothing")
    cursor.execute("update stays set \\"unit of care\\" = \\"unit of care\\" || 'x'")
    connection.commit()

try:
    append()
except psycopg2.Error:
    append()
""",
    "set": """
def put():
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("insert into stays values (1, '') on conflict do nothing")
    cursor.execute("update stays set \\"unit of care\\" = 'x'")
    connection.commit()

try:
    put()
except psycopg2.Error:
    put()
""",
    # it goes on without its data
    "silent": """
try:
    connection = connect()
    connection.cursor().execute("insert into stays values (1, 'MICU')")
    connection.commit()
except psycopg2.Error:
    pass
""",
    "leaving": """
connection = connect()
connection.autocommit = True
try:
    connection.cursor().execute("create table scratch (n int)")
    connection.cursor().execute("insert into stays values (1, 'MICU')")
    connection.cursor().execute("drop table scratch")
except psycopg2.Error:
    connection = connect()
    connection.cursor().execute("insert into stays values (1, 'MICU') on conflict do nothing")
    connection.commit()
""",
}
PAIRS = {
    "torn": (fault_order("cut", on="warehouse", protocol="postgres", when=When(message="UPDATE")), "whole"),
    "appended": (
        fault_order(
            "lost-reply", on="warehouse", protocol="postgres", when=When(message="COMMIT", side="reply")
        ),
        "set",
    ),
    "silent": (fault_order("cut", on="warehouse", protocol="postgres", when=When(message="INSERT")), None),
    "leaving": (
        fault_order("cut", on="warehouse", protocol="postgres", when=When(message="DROP TABLE")),
        None,
    ),
}


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory, pool: ServicePool) -> Iterator[Laboratory]:
    """Where the runs are made."""
    folder = tmp_path_factory.mktemp("found")
    (folder / "schema.sql").write_text(SCHEMA)
    lines = [
        "[services.warehouse]",
        'kind = "postgres"',
        'env = { DATABASE_URL = "{dsn}" }',
        'init = ["schema.sql"]',
    ]
    for name, code in WORKLOADS.items():
        (folder / f"{name}.py").write_text(BEGIN + code)
        lines += [f'[workloads."{name}"]', f'command = ["{{python}}", "{name}.py"]', 'uses = ["warehouse"]']
    (folder / "resilience.toml").write_text("\n".join(lines))
    made = Laboratory(read_configuration(folder), pool, RunFolder.make(), seed=1)
    yield made
    made.close()


@pytest.mark.parametrize("name", PAIRS)
def test_file_is_red_until_the_code_is_mended(name: str, laboratory: Laboratory, tmp_path: Path) -> None:
    """A sound twin, given the same file, passes."""
    order, twin = PAIRS[name]
    finding = explore(laboratory, name, [order], title=name)
    found = found_file(laboratory, name, [order], f"{name}: broken", finding)
    assert finding.wrongs
    assert found is not None
    (tmp_path / "found.yaml").write_text(found.text)
    if twin is not None:
        (tmp_path / "twin.yaml").write_text(found.text.replace(f"workload: {name}", f"workload: {twin}"))
    scenarios = read_scenarios(tmp_path, laboratory.configuration)
    words = {each.workload: try_scenario(laboratory, each, replay="").verdict.word for each in scenarios}

    assert words == {name: "failed"} | ({twin: "passed"} if twin else {})


def test_what_is_not_red_gets_no_file(laboratory: Laboratory) -> None:
    """It would be green, and say that all is well."""
    order = fault_order("cut", on="warehouse", protocol="postgres", when=When(message="UPDATE"))
    finding = explore(laboratory, "whole", [order], title="whole")

    assert found_file(laboratory, "whole", [order], "whole: survived", finding) is None


def test_long_titles_get_names_of_their_own(laboratory: Laboratory) -> None:
    """Two findings whose titles begin alike are two files."""
    order, _ = PAIRS["torn"]
    finding = explore(laboratory, "torn", [order], title="torn")
    titles = [f"torn: {'very ' * 20}broken {number}" for number in (1, 2)]
    found = [found_file(laboratory, "torn", [order], title, finding) for title in titles]

    assert len({each.slug for each in found if each is not None}) == 2
    assert all(each is not None and len(each.slug) <= 60 for each in found)
