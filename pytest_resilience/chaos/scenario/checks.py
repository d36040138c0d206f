"""Checks in scenario files: a query with its answer, a request with its reply."""

from __future__ import annotations

import math
from functools import partial

from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.scenario.messages import request
from pytest_resilience.chaos.scenario.model import Check, HttpCheck, Scalar, SqlCheck
from pytest_resilience.chaos.scenario.page import Page, ReadValue, RefusedError, a_mapping
from pytest_resilience.chaos.scenario.values import pattern, text, whole
from pytest_resilience.chaos.scenario.yaml_nodes import Node, ScalarNode, shown


def read_checks(page: Page, node: Node, name: str) -> tuple[Check, ...]:
    """Return the checks of a steady state."""
    readers: dict[str, ReadValue] = {
        "sql": partial(read_sql_check, page),
        "http": partial(read_http_check, page),
    }
    return tuple(page.items(node, name, lambda item, _: read_one_key(page, item, "a check", readers)))


def read_one_key(page: Page, node: Node, name: str, readers: dict[str, ReadValue]) -> object:
    """Return what stands under the only key of a mapping.

    Raises:
        RefusedError: it is no mapping of one key.
    """
    mapping = a_mapping(node, name)
    if len(mapping.entries) != 1:
        raise RefusedError(
            node.position, f"{name} has {len(mapping.entries)} keys: it takes one; begin each with a `- `"
        )
    return next(iter(page.fields(node, name, readers).values()), None)


def read_sql_check(page: Page, node: Node, name: str) -> SqlCheck | None:
    """Return the query with its answer; none where something is wrong, which is written down."""
    before = len(page.complaints)
    equals: list[Scalar] = []
    readers: dict[str, ReadValue] = {
        "on": partial(_read_service, page, ("postgres",)),
        "query": text,
        "equals": lambda value, key: equals.append(_read_cell(value, key)),
    }
    values = page.fields(node, name, readers, required=tuple(readers))
    return SqlCheck(**values, equals=equals[0]) if len(page.complaints) == before else None


def _read_cell(node: Node, name: str) -> Scalar:
    if not isinstance(node, ScalarNode):
        raise RefusedError(node.position, f"{name} is {shown(node)}: a query is compared in one cell")
    if node.value is None and not node.text:
        raise RefusedError(node.position, f"{name} is empty: write null for NULL, and '' for an empty text")
    if isinstance(node.value, float) and math.isnan(node.value):
        raise RefusedError(
            node.position, f"{name} is {node.text}: nothing equals it; write 'NaN' for the text"
        )
    return node.value


def read_http_check(page: Page, node: Node, name: str) -> HttpCheck | None:
    """Return the request with its reply; none where something is wrong, which is written down."""
    before = len(page.complaints)
    readers: dict[str, ReadValue] = {
        "on": partial(_read_service, page, ("http", "mlflow")),
        "workload": partial(_read_server, page),
        "request": request,
        "status": whole(100, 599),
        "body": pattern,
    }
    values = page.fields(node, name, readers, required=("request",))
    targets = [key for key in ("on", "workload") if key in a_mapping(node, name).keys]
    if len(targets) != 1:
        page.complain(
            node.position,
            f"{name} takes one of on (a service) and workload; it has {' and '.join(targets) or 'none'}",
        )
    if len(page.complaints) > before:
        return None
    on = values.pop("workload", None) or values.pop("on")
    return HttpCheck(on=on, **values)


def _read_service(page: Page, kinds: tuple[str, ...], node: Node, name: str) -> str:
    written = text(node, name)
    services = page.configuration.services
    fitting = [service.name for service in services.values() if service.kind in kinds]
    if written in services and written not in fitting:
        raise RefusedError(
            node.position,
            f"{name}: {written} is {services[written].kind}; this goes to {' and '.join(kinds)}, "
            f"here {', '.join(fitting) or 'none is declared'}",
        )
    if written not in services:
        raise RefusedError(
            node.position, f"{name}: no service is called {written!r}; {nearest(written, fitting)}"
        )
    return written


def _read_server(page: Page, node: Node, name: str) -> str:
    written = text(node, name)
    mine = page.workload
    if mine is not None and written != mine.name:
        raise RefusedError(
            node.position, f"{name}: {written!r} does not run here; the scenario's workload is {mine.name!r}"
        )
    if mine is not None and mine.shape != "server":
        raise RefusedError(
            node.position,
            f"{name}: {written!r} is a {mine.shape}, and answers no requests: ask a service, with on",
        )
    return written
