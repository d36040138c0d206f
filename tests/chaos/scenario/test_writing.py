"""A scenario that is written reads back equal, whatever it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.item_ids import ITEM_IDS
from pytest_resilience.chaos.no_change import why_no_change
from pytest_resilience.chaos.scenario.core_schema import plain_value
from pytest_resilience.chaos.scenario.expectations import CHANNELS, LEVELS
from pytest_resilience.chaos.scenario.files import read_scenarios
from pytest_resilience.chaos.scenario.kinds import FAULT_KINDS, AttributeType, FaultKind
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
from pytest_resilience.chaos.scenario.schema import published_schema
from pytest_resilience.chaos.scenario.values import LONGEST, MOST, json_value
from pytest_resilience.chaos.scenario.when import AT
from pytest_resilience.chaos.scenario.writing import slug, write_scenario
from pytest_resilience.chaos.scenario.yaml_nodes import read_document
from pytest_resilience.errors import Severity

VALIDATOR = jsonschema.Draft202012Validator(published_schema())

unhurried = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

SERVICES = {"warehouse": "postgres", "registry": "mlflow", "labs": "http", "queue": "tcp"}
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30).filter(
    str.strip
)
titles = texts.map(lambda text: " ".join(text.split()))
lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=20)
durations = st.one_of(
    st.integers(0, 10_000).map(float),
    st.integers(0, 100_000).map(lambda ms: ms / 1_000),
    st.floats(0, LONGEST),
)
spans = durations.filter(bool)
patterns = st.sampled_from(["insert into raw", r"(?-i:INSERT)\s+\S", "a|b: #c", "'\"", "[[a]"])
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), below, max_size=3)
    ),
    max_leaves=8,
)
ATTRIBUTES: dict[AttributeType, st.SearchStrategy[Any]] = {
    "duration": durations,
    "some time": spans,
    "signed duration": st.one_of(spans, spans.map(lambda span: -span)),
    "bytes": st.integers(0, MOST),
    "some bytes": st.integers(1, MOST),
    "flag": st.booleans(),
    "text": texts,
    "sqlstate": st.from_regex(r"(?!00)[0-9A-Z]{5}", fullmatch=True),
    "severity": st.sampled_from(["ERROR", "FATAL", "PANIC"]),
    "status": st.integers(200, 599),
    "headers": st.dictionaries(
        st.from_regex(r"[A-Za-z][A-Za-z0-9-]*", fullmatch=True), lines.filter(bool), max_size=3
    ),
    "json": json_values.filter(lambda value: value is not None),
    "stream": st.sampled_from(["downstream", "upstream"]),
    "probability": st.floats(0, 1, exclude_min=True),
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "start": st.just(True),
    "after": durations,
    "rows": st.integers(0, MOST),
    "message": st.sampled_from(["COMMIT", "INSERT", "CREATE TABLE", "Query", "CopyData"]),
    "sql": patterns,
    "request": st.sampled_from(["GET /", "* /api/{x}", "POST /runs/{id}/stop", "PROPFIND /a"]),
}


@st.composite
def whens(draw: st.DrawFn, triggers: tuple[str, ...]) -> When:
    """Return a trigger of one of these names."""
    name = draw(st.sampled_from(triggers))
    beside: dict[str, Any] = {}
    if name == "rows":
        beside["table"] = draw(st.none() | texts)
    elif name in {"message", "sql", "request"}:
        beside["side"] = draw(st.sampled_from(["request", "reply"]))
        beside["nth"] = draw(st.integers(1, 9))
        beside["connection"] = draw(st.none() | st.integers(1, 9))
    return When(**{name: draw(VALUES[name])}, **beside)


@st.composite
def attributes_of(draw: st.DrawFn, kind: FaultKind, when: When) -> dict[str, Any]:
    """Return attributes, those that are defaults left out."""
    given: dict[str, Any] = {}
    for attribute in kind.attributes:
        if attribute.name == "deliver" and not when.is_at_message:
            continue
        if attribute.required or draw(st.booleans()):
            value = draw(ATTRIBUTES[attribute.type])
            if attribute.required or value != attribute.default or type(value) is not type(attribute.default):
                given[attribute.name] = value
    if given.get("variation", 0) > given.get("size", MOST):
        del given["variation"]
    useless = why_no_change(kind.name, given)
    if useless is not None:
        given |= {"delay": 0.5} if useless[0] == "size" else {useless[0]: 1}
    if kind.name == "latency" and given["delay"] == 0:
        given["jitter"] = 0.5
    return given


@st.composite
def faults(draw: st.DrawFn) -> FaultOrder:
    """Return a fault whose parts fit together."""
    kind = draw(st.sampled_from(FAULT_KINDS))
    on = draw(st.sampled_from([name for name, of in SERVICES.items() if of in kind.services]))
    triggers = AT[SERVICES[on]]  # type: ignore[index] # the names of the kinds
    if kind.needs_message:
        triggers = tuple(name for name in triggers if name not in {"start", "after"})
    when = draw(whens(triggers))
    attributes = draw(attributes_of(kind, when))
    live = {name: attributes.pop(name) for name in ("stream", "toxicity") if name in attributes}
    is_timed_process = kind.process and not when.is_at_message
    lasting = draw(st.sampled_from(["default", "seconds", "times"]))
    return FaultOrder(
        on=draw(st.sampled_from([None, "ingest"])) if is_timed_process else on,
        when=when,
        kind=kind.name,
        attributes=attributes,
        seconds=draw(spans) if lasting == "seconds" and kind.name != "kill" else None,
        times=draw(st.integers(1, 9)) if lasting == "times" and not is_timed_process else None,
        **live,
    )


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
)
sql_checks = st.builds(SqlCheck, on=st.just("warehouse"), query=texts, equals=cells)
http_checks = st.builds(
    HttpCheck,
    on=st.sampled_from(["labs", "registry"]),
    request=st.sampled_from(["GET /health", "POST /a?b={c}"]),
    status=st.none() | st.integers(100, 599),
    body=st.none() | patterns,
)
logs = st.builds(
    LogExpectation,
    level=st.sampled_from(LEVELS),
    fields=st.lists(texts, max_size=3, unique=True).map(tuple),
    matches=st.none() | patterns,
)
alerts = st.builds(
    AlertExpectation,
    severity=st.sampled_from([str(severity) for severity in Severity]),
    component=st.none() | texts,
    channel=st.none() | st.sampled_from(CHANNELS),
    within=st.none() | spans,
)
expectations = st.builds(
    Expectations,
    exit=st.none() | st.integers(0, 255) | st.just("nonzero"),
    exactly_once=st.sampled_from([(), ("raw.icustays",)]),
    sql=st.lists(sql_checks, max_size=2).map(tuple),
    http=st.lists(http_checks, max_size=2).map(tuple),
    logs=st.lists(logs, max_size=2).map(tuple),
    alerts=st.just((AlertExpectation(none=True),)) | st.lists(alerts, max_size=2).map(tuple),
    recovers_within=st.none() | spans,
    duration=st.none() | spans,
    no_leak=st.booleans(),
)
scenarios = st.builds(
    Scenario,
    title=titles,
    workload=st.just("ingest"),
    proves=st.lists(st.sampled_from(ITEM_IDS), max_size=3, unique=True).map(tuple),
    runbook=st.none() | st.just("runbooks/database.md"),
    steady_state=st.lists(sql_checks | http_checks, max_size=2).map(tuple),
    faults=st.lists(faults(), min_size=1, max_size=3).map(tuple),
    expect=expectations,
)


@unhurried
@given(scenario=scenarios)
def test_what_is_written_reads_back(scenario: Scenario, configuration: Configuration) -> None:
    """A finding of the exploration is the same when it is replayed."""
    file = configuration.scenarios / "found.yaml"
    text = write_scenario(scenario)
    file.write_text(text, encoding="utf-8")
    (root,) = read_document(text, file).roots

    expect = Expectations(recovers_within=10.0) if scenario.expect == Expectations() else scenario.expect
    assert read_scenarios([file], configuration) == (replace(scenario, file=file, expect=expect),)
    assert [error.message for error in VALIDATOR.iter_errors(json_value(root, "the file"))] == []


def test_text_is_for_people() -> None:
    """Durations have units, quotes stand where they are needed, and defaults are left out."""
    scenario = Scenario(
        title="The reply to COMMIT is lost: rows are doubled",
        workload="ingest",
        faults=(
            FaultOrder(on="warehouse", when=When(message="COMMIT", side="reply"), kind="cut"),
            FaultOrder(
                on="warehouse",
                when=When(after=90.0),
                kind="latency",
                attributes={"delay": 0.7},
                seconds=120.0,
            ),
        ),
        expect=Expectations(exactly_once=("raw.icustays",)),
    )

    assert write_scenario(scenario, comment="found by exploration\nseed 7") == (
        "# found by exploration\n"
        "# seed 7\n"
        'scenario: "The reply to COMMIT is lost: rows are doubled"\n'
        "workload: ingest\n"
        "faults:\n"
        "  - on: warehouse\n"
        "    when: {message: COMMIT, side: reply}\n"
        "    inject: cut\n"
        "  - on: warehouse\n"
        "    when: {after: 90s}\n"
        "    inject: {latency: {delay: 700ms}}\n"
        "    for: 2m\n"
        "expect:\n"
        "  - exactly_once: raw.icustays\n"
    )


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Lost COMMIT reply", "lost-commit-reply"),
        ("../../etc/passwd", "etc-passwd"),
        ("Zürich: 100 % down!", "zurich-100-down"),
        ("数据库", "scenario"),
        ("", "scenario"),
        ("a" * 100, "a" * 60),
        ("word " * 20, "word-word-word-word-word-word-word-word-word-word-word-word"),
    ],
)
def test_slug(title: str, name: str) -> None:
    """A title is a file's name, and leads into no other folder."""
    assert slug(title) == name


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("yes", "yes"), ("NO", "NO"), ("1_000", "1_000"), ("0b1", "0b1"), ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"), ("017", 17), ("08006", 8006), ("0o17", 15), ("0x1F", 31), ("-0o1", "-0o1"),
        ("+1", 1), ("1.", 1.0), (".5", 0.5), ("57E03", 57000.0), (".", "."), ("1e", "1e"), (".inf", float("inf")),
        ("-.INF", float("-inf")), ("~", None), ("", None), ("Null", None), ("nULL", "nULL"), ("TRUE", True),
        ("tRUE", "tRUE"), ("\u0661", "\u0661"), ("9" * 5_000, "9" * 5_000),
    ],
)  # fmt: skip
def test_core_schema(text: str, value: Any) -> None:
    """Plain scalars are what YAML 1.2 says, not what 1.1 said."""
    assert plain_value(text) == value
    assert type(plain_value(text)) is type(value)
