"""The table of fault kinds says what the harness and the engine can do."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import pytest

from pytest_resilience.chaos.network_kinds import AT_A_MESSAGE, NETWORK_KINDS
from pytest_resilience.chaos.scenario.kinds import FAULT_KINDS, AttributeType, FaultKind
from pytest_resilience.proxy.faults.definition import read_fault
from pytest_resilience.proxy.faults.kinds import KINDS

EXAMPLES: dict[AttributeType, Any] = {
    "duration": 0.3,
    "some time": 0.3,
    "signed duration": -3.0,
    "bytes": 10,
    "some bytes": 10,
    "flag": True,
    "text": "text",
    "sqlstate": "08006",
    "severity": "FATAL",
    "status": 429,
    "headers": {"Retry-After": "2"},
    "json": {"error": [None, 1.5]},
    "stream": "upstream",
    "probability": 0.5,
}
AT_MESSAGES = [kind for kind in FAULT_KINDS if kind.needs_message]
ON_CONNECTIONS = [kind for kind in FAULT_KINDS if kind.is_network]


def test_network_kinds_are_the_harness_s() -> None:
    """The first eight are Toxiproxy's own, with the attributes and defaults that the fixtures have."""
    live = {"stream", "toxicity"}
    table = {
        kind.name: {a.name: a.default for a in kind.attributes if a.name not in live}
        for kind in ON_CONNECTIONS
    }

    assert table == {
        kind.name: {name: attribute.default for name, attribute in kind.attributes.items()}
        for kind in NETWORK_KINDS
    }


def test_kinds_at_messages_are_the_harness_s() -> None:
    """Every fault that can go to a message in a test can in a file."""
    assert {kind.name for kind in AT_MESSAGES} == set(AT_A_MESSAGE)


@pytest.mark.parametrize("kind", ON_CONNECTIONS, ids=lambda kind: kind.name)
def test_harness_takes_network_kind(kind: FaultKind) -> None:
    """Its attributes become the toxic's."""
    known = next(one for one in NETWORK_KINDS if one.name == kind.name)
    given = {a.name: EXAMPLES[a.type] for a in kind.attributes if a.name not in {"stream", "toxicity"}}

    assert (known.toxic_attributes(given) == {}) is (kind.name == "down")


@pytest.mark.parametrize("kind", AT_MESSAGES, ids=lambda kind: kind.name)
def test_engine_takes_kind_at_message(kind: FaultKind) -> None:
    """Its attributes are the engine's, and so are their defaults."""
    protocol = "postgres" if "postgres" in kind.services else "http"
    when = {"message": "COMMIT"} if protocol == "postgres" else {"request": "GET /"}
    given = {attribute.name: EXAMPLES[attribute.type] for attribute in kind.attributes}
    document = {"kind": kind.name, "attributes": given, "when": when}
    fault = read_fault(document, protocol=protocol, default_id="1", added_at=0.0)
    own = next(one for one in KINDS if one.name == kind.name)
    defaults = {field.name: field.default for field in fields(own) if field.default is not MISSING}

    assert fault.kind.name == kind.name
    assert {field.name for field in fields(own)} == {attribute.name for attribute in kind.attributes}
    assert all(
        attribute.default == defaults[attribute.name]
        for attribute in kind.attributes
        if attribute.default is not None and not attribute.required
    )


def test_defaults_are_written_out() -> None:
    """Who carries a fault out need not know them."""
    hang = next(kind for kind in FAULT_KINDS if kind.name == "hang")

    assert hang.complete({}) == {"keep": False}
    assert hang.complete({"keep": True}) == {"keep": True}
