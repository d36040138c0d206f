"""Triggers in scenario files: when a fault acts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.chaos.scenario.messages import SILENT, message, request_template
from pytest_resilience.chaos.scenario.model import When
from pytest_resilience.chaos.scenario.page import Page, ReadValue, RefusedError, a_mapping
from pytest_resilience.chaos.scenario.values import duration, only_true, pattern, text, whole, word
from pytest_resilience.chaos.scenario.yaml_nodes import MappingNode, Node, ScalarNode
from pytest_resilience.chaos.trigger import BESIDE, SIDES

TRIGGERS: Mapping[str, ReadValue] = {
    "start": only_true,
    "after": duration(),
    "rows": whole(0),
    "message": message,
    "sql": pattern,
    "request": request_template,
}
"""Exactly one of them stands in a `when`."""

NARROWED: Mapping[str, ReadValue] = {
    "table": text,
    "side": word(*SIDES),
    "nth": whole(1),
    "connection": whole(1),
}
"""What may stand beside some of them."""

AT: Mapping[ServiceKind, tuple[str, ...]] = {
    "postgres": ("start", "after", "rows", "message", "sql"),
    "mlflow": ("start", "after", "request"),
    "http": ("start", "after", "request"),
    "tcp": ("start", "after"),
}
"""Which triggers a service's traffic can be watched for."""


def read_when(page: Page, node: Node) -> When | None:
    """Return the trigger; none where something is wrong with it, which is written down.

    Raises:
        RefusedError: it is no mapping.
    """
    before = len(page.complaints)
    if isinstance(node, ScalarNode) and node.text in TRIGGERS:
        example = "true" if node.text == "start" else "..."
        raise RefusedError(
            node.position, f"when is {node.text!r}: write a mapping, {{{node.text}: {example}}}"
        )
    mapping = a_mapping(node, "when")
    given = [key for key in mapping.keys if key in TRIGGERS]
    values = page.fields(node, "when", {**TRIGGERS, **NARROWED})
    if len(given) != 1:
        got = ", ".join(given) or "none"
        page.complain(node.position, f"when takes exactly one of {', '.join(TRIGGERS)}; it has {got}")
    else:
        _check_beside(page, mapping, given[0])
        _check_reply(page, mapping, values)
    return When(**values) if len(page.complaints) == before else None


def trigger_name(when: When) -> str:
    """Return which of the triggers it is."""
    if when.start:
        return "start"
    return next(name for name in TRIGGERS if name != "start" and getattr(when, name) is not None)


def _check_beside(page: Page, mapping: MappingNode, trigger: str) -> None:
    for key, _ in mapping.entries:
        if trigger not in BESIDE.get(key.text, (trigger,)):
            page.complain(
                key.position, f"{key.text} goes with {', '.join(BESIDE[key.text])}; this trigger is {trigger}"
            )


def _check_reply(page: Page, mapping: MappingNode, values: Mapping[str, Any]) -> None:
    side = mapping.get("side")
    if side is not None and values.get("side") == "reply" and values.get("message") in SILENT:
        page.complain(side.position, f"{values['message']} gets no reply of its own: take side request")
