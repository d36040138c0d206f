"""Expectations in scenario files: what has to be true of a run."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.scenario.checks import read_http_check, read_one_key, read_sql_check
from pytest_resilience.chaos.scenario.model import (
    AlertExpectation,
    Expectations,
    LogExpectation,
)
from pytest_resilience.chaos.scenario.page import Page, ReadValue, RefusedError
from pytest_resilience.chaos.scenario.values import (
    duration,
    only_true,
    pattern,
    scalar,
    text,
    texts,
    word,
)
from pytest_resilience.chaos.scenario.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode
from pytest_resilience.errors import Severity

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
CHANNELS = ("pagerduty", "slack", "email")
ONCE = ("exit", "recovers_within", "duration", "no_leak")
"""A run has one of each, so a list of expectations has."""


def read_expectations(page: Page, node: Node, name: str) -> Expectations:
    """Return what is expected; what is wrong with it is written down.

    Raises:
        RefusedError: it is no list, or an empty one.
    """
    found: dict[str, list[Any]] = {key: [] for key in expectation_readers(page)}

    def keep(key: str, read: ReadValue) -> ReadValue:
        return lambda value, called: found[key].append(read(value, called))

    readers = {key: keep(key, read) for key, read in expectation_readers(page).items()}
    page.items(node, name, lambda item, _: read_one_key(page, item, "an expectation", readers))
    _check_once(page, node)
    _check_alerts(page, node, found["alert"])
    return _expectations(
        {key: [value for value in values if value is not None] for key, values in found.items()}
    )


def expectation_readers(page: Page) -> dict[str, ReadValue]:
    """Return how each expectation is read."""
    return {
        "exit": _read_exit,
        "exactly_once": partial(_read_table, page),
        "sql": partial(read_sql_check, page),
        "http": partial(read_http_check, page),
        "log": partial(_read_log, page),
        "alert": partial(_read_alert, page),
        "recovers_within": duration(zero=False),
        "duration": duration(zero=False),
        "no_leak": only_true,
    }


def _expectations(found: dict[str, list[Any]]) -> Expectations:
    def only(key: str, default: Any = None) -> Any:
        return next(iter(found[key]), default)

    return Expectations(
        exit=only("exit"),
        exactly_once=tuple(found["exactly_once"]),
        sql=tuple(found["sql"]),
        http=tuple(found["http"]),
        logs=tuple(found["log"]),
        alerts=tuple(found["alert"]),
        recovers_within=only("recovers_within"),
        duration=only("duration"),
        no_leak=only("no_leak", default=False),
    )


def _check_once(page: Page, node: Node) -> None:
    first: dict[str, int] = {}
    for item in node.items if isinstance(node, SequenceNode) else ():
        for key, _ in item.entries if isinstance(item, MappingNode) else ():
            if key.text in ONCE and key.text in first:
                page.complain(key.position, f"{key.text} is expected already, in line {first[key.text]}")
            first.setdefault(key.text, key.position.line)


def _check_alerts(page: Page, node: Node, alerts: list[AlertExpectation | None]) -> None:
    given = [alert for alert in alerts if alert is not None]
    if any(alert.none for alert in given) and len(given) > 1:
        page.complain(node.position, "alert: none allows no other alert beside it: take one of them out")


def _read_exit(node: Node, name: str) -> int | Literal["nonzero"]:
    found = scalar(node, name)
    if found.value == "nonzero":
        return "nonzero"
    if not isinstance(found.value, int) or isinstance(found.value, bool) or not 0 <= found.value <= 255:
        raise RefusedError(
            node.position,
            f"{name} is {found.text!r}: it is a status from 0 to 255 (128 + N after signal N), or nonzero",
        )
    return found.value


def _read_table(page: Page, node: Node, name: str) -> str:
    table = text(node, name)
    workload = page.workload
    if workload is None:
        return table
    declared = list(dict.fromkeys(promise.table for promise in workload.exactly_once))
    if table not in declared:
        hint = nearest(table, declared) if declared else f"declare it: workloads.{workload.name}.exactly_once"
        raise RefusedError(
            node.position, f"{name}: workload {workload.name!r} declares no table {table!r} so; {hint}"
        )
    return table


def _read_log(page: Page, node: Node, name: str) -> LogExpectation | None:
    before = len(page.complaints)
    readers: dict[str, ReadValue] = {"level": word(*LEVELS), "fields": texts, "matches": pattern}
    values = page.fields(node, name, readers)
    if not values and len(page.complaints) == before:
        raise RefusedError(node.position, f"{name} is empty: say which records, with {', '.join(readers)}")
    return LogExpectation(**values) if len(page.complaints) == before else None


def _read_alert(page: Page, node: Node, name: str) -> AlertExpectation | None:
    if page.configuration.alerts is None:
        page.complain(
            node.position,
            f"{name}: no alert of this project can be seen: declare [alerts] (in pyproject.toml "
            "[tool.resilience.alerts]), with `env`, by which the code finds the endpoints, or with `rules`",
        )
    before = len(page.complaints)
    readers: dict[str, ReadValue] = {
        "severity": word(*Severity),
        "component": text,
        "channel": word(*CHANNELS),
        "within": duration(zero=False),
    }
    if isinstance(node, ScalarNode):
        if node.text == "none":
            return AlertExpectation(none=True)
        hint = "did you mean 'none'?" if node.text.lower() in {"none", "null", "~", "no", "false"} else ""
        raise RefusedError(
            node.position,
            f"{name} is {node.text!r}: {hint or 'write none, or a mapping with ' + ', '.join(readers)}",
        )
    values = page.fields(node, name, readers)
    if not values and len(page.complaints) == before:
        raise RefusedError(node.position, f"{name} is empty: say which, with {', '.join(readers)}; or none")
    return AlertExpectation(**values) if len(page.complaints) == before else None
