"""How the code under test alerts, as a configuration declares it."""

from __future__ import annotations

import re

from pytest_resilience.chaos.configuration.model import AlertRule, AlertsDeclaration
from pytest_resilience.chaos.configuration.placeholders import OF_ALERTS
from pytest_resilience.chaos.configuration.table import Table
from pytest_resilience.chaos.configuration.templates import environment
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.errors import Severity

KEYS = ("env", "rules")
"""Every key of the alerts."""

RULE_KEYS = ("severity", "component", "level", "matches", "count", "within")
"""Every key of a rule."""

SEVERITIES = tuple(severity.value for severity in Severity)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def read_alerts(outer: Table) -> AlertsDeclaration | None:
    """Return what `alerts` declares, or none where it is not there."""
    if "alerts" not in outer:
        return None
    table = outer.table("alerts")
    table.only(KEYS)
    if isinstance(outer.values["alerts"], dict) and not any(key in table for key in KEYS):
        table.complain("alerts is empty: give `env` (how the code finds the endpoints), or `rules`")
    return AlertsDeclaration(
        env=environment(table, OF_ALERTS), rules=tuple(_read_rule(rule) for rule in table.tables("rules"))
    )


def _read_rule(table: Table) -> AlertRule:
    table.only(RULE_KEYS)
    return AlertRule(
        severity=_one_of(table, table.needed("severity", '"CRITICAL"'), "severity", SEVERITIES) or "HIGH",
        component=table.needed("component", '"database"') or "",
        level=_one_of(table, table.text("level"), "level", LEVELS),
        matches=_expression(table),
        count=table.count("count"),
        within=table.duration("within", None),
    )


def _one_of(table: Table, written: str | None, key: str, known: tuple[str, ...]) -> str | None:
    if written is None or written in known:
        return written
    table.complain(f"{table.label(key)} is {written!r}: {nearest(written.upper(), known)}", key)
    return None


def _expression(table: Table) -> str | None:
    expression = table.text("matches")
    try:
        re.compile(expression or "")
    except re.error as error:
        table.complain(f"{table.label('matches')} is no regular expression: {error}", "matches")
        return None
    return expression
