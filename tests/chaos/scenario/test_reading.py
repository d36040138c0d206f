"""Scenario files are read as they are meant, or refused where they are wrong; the schema says the same."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_resilience.chaos.configuration.model import AlertRule, AlertsDeclaration, Configuration
from pytest_resilience.chaos.item_ids import ITEM_IDS
from pytest_resilience.chaos.scenario.error import ScenarioFileError
from pytest_resilience.chaos.scenario.files import LARGEST, is_scenario, read_scenarios
from pytest_resilience.chaos.scenario.model import (
    AlertExpectation,
    Expectations,
    FaultOrder,
    HttpCheck,
    LogExpectation,
    Scenario,
    SqlCheck,
    When,
)
from pytest_resilience.chaos.scenario.schema import make_schema, published_schema
from pytest_resilience.chaos.scenario.values import json_value
from pytest_resilience.chaos.scenario.yaml_nodes import read_document
from pytest_resilience.checklist.items import ITEMS


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scenario_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


corpus = _beside("corpus")
VALIDATOR = jsonschema.Draft202012Validator(published_schema())


def _read(text: str, configuration: Configuration) -> tuple[Scenario, ...]:
    (configuration.scenarios / "one.yaml").write_text(text, encoding="utf-8")
    return read_scenarios(configuration.scenarios, configuration)


def _complaints(configuration: Configuration, files: Any = None) -> list[str]:
    with pytest.raises(ScenarioFileError) as caught:
        read_scenarios(configuration.scenarios if files is None else files, configuration)
    return [
        f"{one.position.file.name}:{one.position.line}:{one.position.column}: {one.message}"
        for one in caught.value.complaints
    ]


def _plain(text: str) -> Any:
    roots = read_document(text.removeprefix("\ufeff"), Path("one.yaml")).roots
    return json_value(roots[0], "the file") if roots else None


EXAMPLE = """\
# yaml-language-server: $schema=...
scenario: Database lost after 100 rows, back two seconds later
proves: [backoff, transactions, checkpoints]
runbook: runbooks/database.md
workload: ingest
steady_state:
  - sql: {on: warehouse, query: "select 1", equals: 1}
faults:
  - on: warehouse
    when: {rows: 100}
    inject: down
    for: 2s
  - on: warehouse
    when: {message: COMMIT, side: reply, nth: 3}
    inject: {delay: {by: 300ms}}
  - on: labs
    when: {request: "GET /results/{id}"}
    inject: {respond: {status: 429, headers: {Retry-After: 2}}}
    for: {times: 3}
expect:
  - exit: 0
  - exactly_once: raw.icustays
  - http: {on: labs, request: GET /health}
  - log: {level: WARNING, fields: [operation, attempt]}
  - alert: none
  - recovers_within: 12s
"""


def test_scenario_is_read(configuration: Configuration) -> None:
    """Everything that a file says is in the scenario, with durations in seconds."""
    expected = Scenario(
        title="Database lost after 100 rows, back two seconds later",
        workload="ingest",
        file=configuration.scenarios / "one.yaml",
        proves=("backoff", "transactions", "checkpoints"),
        runbook="runbooks/database.md",
        steady_state=(SqlCheck(on="warehouse", query="select 1", equals=1),),
        faults=(
            FaultOrder(on="warehouse", when=When(rows=100), kind="down", seconds=2.0),
            FaultOrder(
                on="warehouse",
                when=When(message="COMMIT", side="reply", nth=3),
                kind="delay",
                attributes={"by": 0.3},
            ),
            FaultOrder(
                on="labs",
                when=When(request="GET /results/{id}"),
                kind="respond",
                attributes={"status": 429, "headers": {"Retry-After": "2"}},
                times=3,
            ),
        ),
        expect=Expectations(
            exit=0,
            exactly_once=("raw.icustays",),
            http=(HttpCheck(on="labs", request="GET /health"),),
            logs=(LogExpectation(level="WARNING", fields=("operation", "attempt")),),
            alerts=(AlertExpectation(none=True),),
            recovers_within=12.0,
        ),
    )

    assert _read(EXAMPLE, configuration) == (expected,)


@pytest.mark.parametrize("name", corpus.SOUND)
def test_sound_file(name: str, configuration: Configuration) -> None:
    """Reader and schema take it."""
    text = corpus.SOUND[name]

    assert len(_read(text, configuration)) == 1
    assert is_scenario(configuration.scenarios / "one.yaml")
    assert [error.message for error in VALIDATOR.iter_errors(_plain(text))] == []


@pytest.mark.parametrize("name", corpus.BROKEN)
def test_broken_file(name: str, configuration: Configuration) -> None:
    """It is refused where it is wrong, and only there."""
    broken = corpus.BROKEN[name]
    (configuration.scenarios / "one.yaml").write_text(broken.text, encoding="utf-8")
    complaints = _complaints(configuration)

    assert len(complaints) == 1, complaints
    assert complaints[0].startswith(f"one.yaml:{broken.place}: ")
    assert broken.says in complaints[0]
    assert is_scenario(configuration.scenarios / "one.yaml")


@pytest.mark.parametrize("alert", ["none", "{severity: HIGH}"])
def test_alerts_have_to_be_declared(configuration: Configuration, alert: str) -> None:
    """Where nobody looks for alerts, none is always right, and one never; rules are declared too."""
    text = corpus.expect(f"alert: {alert}")
    rule = AlertRule(severity="HIGH", component="database")

    assert len(_read(text, replace(configuration, alerts=AlertsDeclaration(rules=(rule,))))) == 1
    (complaint,) = _complaints(replace(configuration, alerts=None))
    assert complaint.startswith(
        "one.yaml:6:12: alert: no alert of this project can be seen: declare [alerts]"
    )


@pytest.mark.parametrize(
    "name", [name for name, broken in corpus.BROKEN.items() if "no YAML" not in broken.says]
)
def test_schema_agrees_on_broken_file(name: str) -> None:
    """An editor shows what needs no knowledge of the configuration."""
    broken = corpus.BROKEN[name]
    try:
        document = _plain(broken.text)
    except Exception:  # noqa: BLE001 - not even JSON has such a value
        return

    assert VALIDATOR.is_valid(document) is not broken.schema


@pytest.mark.parametrize("name", corpus.IGNORED)
def test_other_file_is_passed_over(name: str, configuration: Configuration) -> None:
    """What is no scenario, and does not try to be one, is none of our business."""
    assert _read(corpus.IGNORED[name], configuration) == ()
    assert not is_scenario(configuration.scenarios / "one.yaml")


def test_all_broken_files_are_reported_at_once(configuration: Configuration) -> None:
    """One run of the tests shows everything that has to be repaired, in order."""
    (configuration.scenarios / "b.yaml").write_text(corpus.top("proves: [2, x]\nrunbok: a"), encoding="utf-8")
    (configuration.scenarios / "deep").mkdir()
    (configuration.scenarios / "deep" / "a.yaml").write_text("scenario: [", encoding="utf-8")
    (configuration.scenarios / "good.yaml").write_text(EXAMPLE, encoding="utf-8")
    places = [complaint.split(" ")[0] for complaint in _complaints(configuration)]

    assert places == ["b.yaml:7:10:", "b.yaml:7:13:", "b.yaml:8:1:", "a.yaml:1:12:"]


def test_error_names_file_line_and_column(configuration: Configuration) -> None:
    """An editor can jump to it."""
    file = configuration.scenarios / "a.yaml"
    file.write_text(corpus.top("runbok: a"), encoding="utf-8")

    with pytest.raises(ScenarioFileError) as caught:
        read_scenarios(configuration.scenarios, configuration)

    assert str(caught.value).startswith(
        f"{file}:7:1: a scenario has no key 'runbok'; did you mean 'runbook'?"
    )


def test_scenarios_come_in_the_order_of_their_paths(configuration: Configuration) -> None:
    """Folders below are read, hidden and foreign ones are not; some files are read in that order too."""
    (configuration.scenarios / "env").mkdir()
    (configuration.scenarios / "env" / "pyvenv.cfg").touch()
    for name in ("b.yaml", "a/z.yaml", ".hidden/x.yaml", "env/lib/x.yaml", "resilience-report/found/x.yaml"):
        (configuration.scenarios / name).parent.mkdir(parents=True, exist_ok=True)
        (configuration.scenarios / name).write_text(EXAMPLE, encoding="utf-8")
    files = [configuration.scenarios / "a/z.yaml", configuration.scenarios / "b.yaml"]

    assert [one.file for one in read_scenarios(configuration.scenarios, configuration)] == files
    assert [one.file for one in read_scenarios(reversed(files), configuration)] == files


def test_no_folder_has_no_scenarios(configuration: Configuration) -> None:
    """A team without scenarios need not make a folder for them."""
    assert read_scenarios(configuration.folder / "none", configuration) == ()


def test_other_things_are_no_scenarios(configuration: Configuration) -> None:
    """Neither a test's module nor a folder is."""
    module = configuration.folder / "test_a.py"
    module.write_text("a: [", encoding="utf-8")

    assert not is_scenario(module)
    assert not is_scenario(configuration.scenarios)


def test_file_that_is_not_there(configuration: Configuration) -> None:
    """A file that was asked for by name has to be there."""
    complaints = _complaints(configuration, [configuration.folder / "none.yaml"])

    assert complaints == ["none.yaml:1:1: this file cannot be read: No such file or directory"]


@pytest.mark.parametrize("name", ["a.yml", "a.YML", "a.YAML", "a.Yaml"])
def test_other_suffix_is_refused(name: str, configuration: Configuration) -> None:
    """A scenario that would never be collected must not be green for nothing."""
    (configuration.scenarios / name).write_text(EXAMPLE, encoding="utf-8")

    assert _complaints(configuration) == [f"{name}:1:1: scenario files end in .yaml: rename it to a.yaml"]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encoding_is_refused(encoding: str, configuration: Configuration) -> None:
    """Files are UTF-8, whatever an editor thinks."""
    (configuration.scenarios / "a.yaml").write_text("scenario: Zürich\n", encoding=encoding)
    place = "1:1" if encoding == "utf-16" else "1:12"

    assert _complaints(configuration) == [f"a.yaml:{place}: this is no UTF-8: save the file as UTF-8"]


def test_large_file_is_refused(configuration: Configuration) -> None:
    """Only where it tries to be a scenario."""
    (configuration.scenarios / "data.yaml").write_text("x: 1 # \n" * LARGEST, encoding="utf-8")
    (configuration.scenarios / "large.yaml").write_text(EXAMPLE + "# \n" * LARGEST, encoding="utf-8")

    assert _complaints(configuration) == ["large.yaml:1:1: this is larger than 256 KiB: no scenario is"]


def test_runbook_behind_a_link_outside_is_refused(
    configuration: Configuration, tmp_path_factory: Any
) -> None:
    """A link leads out of the folder as well as two dots do."""
    outside = tmp_path_factory.mktemp("outside") / "secret.md"
    outside.write_text("# no", encoding="utf-8")
    (configuration.folder / "runbooks" / "link.md").symlink_to(outside)
    (configuration.scenarios / "a.yaml").write_text(corpus.top("runbook: runbooks/link.md"), encoding="utf-8")

    assert "it is a path below the configuration's folder" in _complaints(configuration)[0]


def test_schema_is_published() -> None:
    """The file in the package is what the tables make, and is a schema."""
    jsonschema.Draft202012Validator.check_schema(published_schema())

    assert published_schema() == make_schema()


def test_item_ids_are_the_checklist_s() -> None:
    """What a scenario proves is an item of the checklist."""
    assert tuple(item.id for item in ITEMS) == ITEM_IDS


thorough = settings(
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
yaml_texts = st.lists(
    st.sampled_from([
        *"[]{},:-?&*!|>'\"%@`#\n\t \\~<=", "\n  ", ": ", "- ", "? ", "&a ", "*a", "!!int ", "<<: ", "---\n", "...\n",
        "%YAML 1.1\n",
        "scenario", "workload", "faults", "expect", "inject", "when", "on", "ingest", "warehouse",
        "null", "1_0", "\\x", "\u2028",
    ]) | st.text(max_size=3),
    max_size=40,
).map("".join)  # fmt: skip


@thorough
@given(text=yaml_texts)
def test_no_text_breaks_the_reader(text: str, configuration: Configuration) -> None:
    """Whatever stands in a file, it is read, passed over, or refused in order."""
    file = configuration.scenarios / "any.yaml"
    file.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    try:
        read_scenarios([file], configuration)
    except ScenarioFileError as error:
        complained = bool(error.complaints)
    else:
        complained = False

    assert is_scenario(file) or not complained


@thorough
@given(data=st.data())
def test_no_damage_breaks_the_reader(data: st.DataObject, configuration: Configuration) -> None:
    """A sound file in which some characters were changed is read, or refused in order."""
    text = data.draw(st.sampled_from(sorted(corpus.SOUND.values())))
    at = data.draw(st.integers(0, len(text)))
    damaged = text[:at] + data.draw(yaml_texts) + text[at + data.draw(st.integers(0, 9)) :]
    file = configuration.scenarios / "any.yaml"
    file.write_bytes(damaged.encode("utf-8", errors="surrogatepass"))
    try:
        read_scenarios([file], configuration)
    except ScenarioFileError as error:
        complained = bool(error.complaints)
    else:
        complained = False

    assert is_scenario(file) or not complained


def test_too_many_complaints_are_counted(configuration: Configuration) -> None:
    """The first of them can be read, and the rest is not hidden."""
    for number in range(60):
        (configuration.scenarios / f"{number:02}.yaml").write_text(corpus.HEAD + corpus.EXPECT)
    with pytest.raises(ScenarioFileError) as caught:
        read_scenarios(configuration.scenarios, configuration)
    lines = str(caught.value).splitlines()

    assert len(caught.value.complaints) == 60
    assert len(lines) == 51
    assert lines[-1] == "and 10 more, in 10 files: they are told when these are mended"


def test_a_link_that_leads_out_is_refused(
    configuration: Configuration, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is tested is what is in the repository; a link within it is as good as the file."""
    outside = tmp_path_factory.mktemp("outside") / "lost.yaml"
    outside.write_text(corpus.SOUND["short"])
    (configuration.scenarios / "away.yaml").symlink_to(outside)

    assert _complaints(configuration) == [
        f"away.yaml:1:1: this is a link that leads out of {configuration.folder}: put the file itself here"
    ]
    (configuration.scenarios / "away.yaml").unlink()
    (configuration.folder / "lost.yaml").write_text(corpus.SOUND["short"])
    (configuration.scenarios / "near.yaml").symlink_to(configuration.folder / "lost.yaml")
    assert len(read_scenarios(configuration.scenarios, configuration)) == 1
