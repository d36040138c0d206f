"""Faults in scenario files: on what, when, which, for how long."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.scenario import fit
from pytest_resilience.chaos.scenario.kinds import FAULT_KINDS, AttributeType, FaultKind
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.scenario.page import Page, ReadValue, RefusedError
from pytest_resilience.chaos.scenario.values import (
    body,
    duration,
    flag,
    headers,
    probability,
    scalar,
    sqlstate,
    text,
    whole,
    word,
)
from pytest_resilience.chaos.scenario.when import read_when
from pytest_resilience.chaos.scenario.yaml_nodes import MappingNode, Node, ScalarNode, shown

READ_ATTRIBUTE: Mapping[AttributeType, ReadValue] = {
    "duration": duration(),
    "some time": duration(zero=False),
    "signed duration": duration(negative=True, zero=False),
    "bytes": whole(0),
    "some bytes": whole(1),
    "flag": flag,
    "text": text,
    "sqlstate": sqlstate,
    "severity": word("ERROR", "FATAL", "PANIC"),
    "status": whole(200, 599),
    "headers": headers,
    "json": body,
    "stream": word("downstream", "upstream"),
    "probability": probability,
}


def read_fault(page: Page, node: Node, name: str) -> FaultOrder | None:
    """Return the fault; none where something is wrong with it, which is written down."""
    before = len(page.complaints)
    readers: dict[str, ReadValue] = {
        "on": text,
        "when": lambda value, _: read_when(page, value),
        "inject": partial(_read_inject, page),
        "for": partial(_read_for, page),
    }
    values = page.fields(node, name, readers, required=("when", "inject"))
    fit.check_fault(page, node, values)
    if len(page.complaints) > before:
        return None
    kind, attributes = values["inject"]
    return FaultOrder(
        on=values.get("on"),
        when=values["when"],
        kind=kind.name,
        **_live(attributes),
        attributes=_without_defaults(kind, attributes),
        **values.get("for", {}),
    )


def _read_inject(page: Page, node: Node, name: str) -> tuple[FaultKind, dict[str, Any]]:
    if isinstance(node, MappingNode):
        if len(node.entries) != 1:
            raise RefusedError(
                node.position,
                f"{name} has {len(node.entries)} keys: it takes one, the fault kind, and its attributes "
                f"below it; known are {_known()}",
            )
        key, below = node.entries[0]
        kind = _kind(key, name)
        return kind, _read_attributes(page, kind, below)
    kind = _kind(scalar(node, name), name)
    if kind.required:
        raise RefusedError(node.position, f"{kind.name} needs {_needed(kind)}: write {_example(kind)}")
    return kind, {}


def _kind(node: ScalarNode, name: str) -> FaultKind:
    kinds = {kind.name: kind for kind in FAULT_KINDS}
    if node.text not in kinds:
        raise RefusedError(
            node.position, f"{name}: there is no fault kind {shown(node)}; {nearest(node.text, kinds)}"
        )
    return kinds[node.text]


def _known() -> str:
    return ", ".join(kind.name for kind in FAULT_KINDS)


def _needed(kind: FaultKind) -> str:
    return ", ".join(repr(name) for name in kind.required)


def _example(kind: FaultKind) -> str:
    inner = ", ".join(f"{name}: ..." for name in kind.required)
    return f"{{{kind.name}: {{{inner}}}}}"


def _read_attributes(page: Page, kind: FaultKind, node: Node) -> dict[str, Any]:
    if isinstance(node, ScalarNode):
        if kind.required or node.value is not None:
            example = _example(kind) if kind.required else f"inject: {kind.name}"
            raise RefusedError(node.position, f"{kind.name} is {shown(node)}: write {example}")
        return {}
    readers = {attribute.name: READ_ATTRIBUTE[attribute.type] for attribute in kind.attributes}
    return page.fields(node, kind.name, readers, required=kind.required)


def _read_for(page: Page, node: Node, name: str) -> dict[str, Any]:
    if isinstance(node, MappingNode):
        before = len(page.complaints)
        times = page.fields(node, name, {"times": whole(1)}, required=("times",))
        return times if len(page.complaints) == before else {}
    if isinstance(node, ScalarNode) and node.text.strip().lower() in {"once", "ever", "forever", "always"}:
        raise RefusedError(
            node.position,
            f"{name} is {node.text!r}: write a duration, or {{times: 3}}; left out it is once for a fault at a "
            "message, and until the workload ends for one on connections",
        )
    return {"seconds": duration(zero=False)(node, name)}


def _live(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: attributes[name] for name in ("stream", "toxicity") if name in attributes}


def _without_defaults(kind: FaultKind, attributes: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {attribute.name: attribute.default for attribute in kind.attributes if not attribute.required}
    return {
        name: value
        for name, value in attributes.items()
        if name not in {"stream", "toxicity"} and not _is_same(value, defaults.get(name))
    }


def _is_same(value: Any, default: Any) -> bool:
    return default is not None and type(value) is type(default) and bool(value == default)
