"""The page on scenarios: every block is a scenario that reader and schema take, and its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from pytest_resilience.chaos.configuration.model import (
    AlertsDeclaration,
    Configuration,
    ExactlyOnce,
    ServiceDeclaration,
    ServiceKind,
    WorkloadDeclaration,
)
from pytest_resilience.chaos.scenario.expectations import expectation_readers
from pytest_resilience.chaos.scenario.files import read_scenarios
from pytest_resilience.chaos.scenario.kinds import FAULT_KINDS, FaultKind
from pytest_resilience.chaos.scenario.page import Page
from pytest_resilience.chaos.scenario.reading import KEYS
from pytest_resilience.chaos.scenario.schema import published_schema
from pytest_resilience.chaos.scenario.values import json_value
from pytest_resilience.chaos.scenario.when import TRIGGERS
from pytest_resilience.chaos.scenario.yaml_nodes import read_document

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))
PAGE = (HERE.parents[2] / "docs" / "adding-a-scenario.md").read_text(encoding="utf-8")
FAULTS = re.findall(r"^\| .+ \| `(\{on: .+\})` \|$", PAGE, re.MULTILINE)
"""The table of what to write to say what."""
VALIDATOR = jsonschema.Draft202012Validator(published_schema())


def _configuration(folder: Path) -> Configuration:
    services: dict[str, ServiceKind] = {"warehouse": "postgres", "registry": "mlflow", "labs": "http"}
    promise = ExactlyOnce(service="warehouse", table="raw.icustays", key=("stay_id",))
    (folder / "runbooks").mkdir()
    (folder / "runbooks" / "database.md").touch()
    return Configuration(
        folder=folder,
        scenarios=HERE,
        services={
            name: ServiceDeclaration(name=name, kind=kind, component=name) for name, kind in services.items()
        },
        workloads={
            "ingest": WorkloadDeclaration(
                name="ingest", shape="job", uses=("warehouse",), exactly_once=(promise,)
            ),
            "api": WorkloadDeclaration(name="api", shape="server", uses=("registry",)),
            "score": WorkloadDeclaration(name="score", shape="function", uses=("labs",)),
        },
        alerts=AlertsDeclaration(env={"SLACK_WEBHOOK_URL": "{slack}"}),
    )


def _row(kind: FaultKind) -> str:
    takes = [a for a in kind.attributes if a.name not in {"stream", "toxicity"}]
    names = ", ".join(f"**`{a.name}`**" if a.required else f"`{a.name}`" for a in takes)
    return f"| `{kind.name}` | {kind.text} | {names} |".replace("|  |", "| |")


def test_every_example_is_a_scenario(tmp_path: Path) -> None:
    assert [scenario.file for scenario in read_scenarios(HERE, _configuration(tmp_path))] == FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_editors_accept_the_example(file: Path) -> None:
    (root,) = read_document(file.read_text(encoding="utf-8"), file).roots

    assert [error.message for error in VALIDATOR.iter_errors(json_value(root, "the file"))] == []


def test_every_block_is_an_example() -> None:
    named = re.findall(r"^<!-- tests/examples/scenarios/(\S+) -->\n```yaml$", PAGE, re.MULTILINE)

    assert sorted(named) == [file.name for file in FILES]
    assert len(named) == PAGE.count("```yaml")


def test_every_fault_of_the_table_is_one(tmp_path: Path) -> None:
    text = "\n  - ".join(["scenario: All of them\nworkload: ingest\nexpect: [{exit: 0}]\nfaults:", *FAULTS])
    (tmp_path / "all.yaml").write_text(text, encoding="utf-8")
    (scenario,) = read_scenarios(tmp_path / "all.yaml", _configuration(tmp_path))
    codes = [fault.attributes["sqlstate"] for fault in scenario.faults if fault.kind == "error"]

    assert codes == ["25006", "53100", "53300", "57014", "57P01", "40001"]
    assert len(scenario.faults) == len(codes) + 1


def test_every_kind_has_its_row() -> None:
    assert [kind.name for kind in FAULT_KINDS if _row(kind) not in PAGE] == []


def test_every_key_has_its_row(tmp_path: Path) -> None:
    readers = expectation_readers(Page(_configuration(tmp_path)))
    words = [*KEYS, *TRIGGERS, *readers]

    assert [word for word in words if not re.search(rf"^\| \**`{word}[`:]", PAGE, re.MULTILINE)] == []
