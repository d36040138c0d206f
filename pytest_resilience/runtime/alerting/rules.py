"""Which channels an alert goes to: the policy's table, its defaults, and a team's own in TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pytest_resilience.errors import FatalError, Severity

Rules = Mapping[tuple[str, str], Sequence[str]]

CHANNELS = ("pagerduty", "slack", "email", "apprise", "file")
"""Every channel that a rule may name."""

POLICY_RULES: dict[tuple[str, str], list[str]] = {
    ("CRITICAL", "database"): ["pagerduty", "slack"],
    ("CRITICAL", "ml_model"): ["pagerduty", "slack"],
    ("HIGH", "data_pipeline"): ["slack", "email"],
    ("HIGH", "api"): ["slack"],
    ("MEDIUM", "performance"): ["slack"],
    ("LOW", "monitoring"): ["email"],
}
"""The table of policy §5."""

POLICY_DEFAULTS: dict[str, list[str]] = {
    "CRITICAL": ["pagerduty", "slack"],
    "HIGH": ["slack", "email"],
    "MEDIUM": ["email"],
    "LOW": ["email"],
    "INFO": [],
}
"""Where a pair goes that is not in the table (policy §5)."""

ANY = "*"
"""The component of a rule for all components that have no rule of their own."""


class RulesError(FatalError):
    """Say what is wrong in routing rules, and where."""


def channels_for(severity: str, component: str, rules: Rules) -> list[str]:
    """Return the names of the channels: by the rule for the pair, for any component, or by the policy's defaults."""
    for key in ((severity, component), (severity, ANY)):
        if key in rules:
            return list(rules[key])
    return list(POLICY_DEFAULTS[severity])


def checked_rules(rules: Mapping[Any, Any]) -> Rules:
    """Return rules that were written in Python, if they can mean something.

    Raises:
        RulesError: a key is no pair of a severity and a component, or its channels are no list of names.
    """
    if not isinstance(rules, Mapping):
        raise RulesError(
            f"Routing rules must be a mapping of (severity, component) to channels, got {type(rules).__name__}."
        )
    for key, channels in rules.items():
        if not (isinstance(key, tuple) and len(key) == 2):
            raise RulesError(f"Routing rules: the key {key!r} is no pair (severity, component).")
        _known(key[0], tuple(map(str, Severity)), f"Routing rules, {key!r}: severity")
        if isinstance(channels, str) or not all(isinstance(name, str) for name in channels):
            raise RulesError(f"Routing rules, {key!r}: channels must be a list of names, got {channels!r}.")
    return rules


def load_rules(path: str | Path) -> dict[tuple[str, str], list[str]]:
    """Read rules from a TOML file: `[[rule]]` tables with `severity`, `component` and `channels`.

    They are added to the policy's table, and win over it; `component = "*"` replaces a severity's default.

    Raises:
        RulesError: if the file is missing, is no TOML, or a rule is incomplete or names what does not exist.
    """
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise RulesError(
            f"Routing rules {path} cannot be read: {error.strerror}. Name a TOML file."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulesError(f"Routing rules {path} are not valid TOML: {error}.") from error
    tables = document.get("rule")
    if not isinstance(tables, list) or not tables:
        raise RulesError(f"Routing rules {path} hold no [[rule]] table: add at least one.")
    return POLICY_RULES | dict(_rule(table, f"{path}, rule {place}") for place, table in enumerate(tables, 1))


def _rule(table: Any, where: str) -> tuple[tuple[str, str], list[str]]:
    if not isinstance(table, dict):
        raise RulesError(f"{where} is not a table: write [[rule]] and its keys below.")
    for name in table:
        _known(name, ("severity", "component", "channels"), f"{where}: key")
    if missing := {"severity", "component", "channels"} - table.keys():
        raise RulesError(f"{where} lacks {', '.join(sorted(missing))}.")
    severity = _known(table["severity"], tuple(map(str, Severity)), f"{where}: severity")
    channels = table["channels"]
    if not isinstance(channels, list):
        raise RulesError(f"{where}: channels must be a list of names, got {channels!r}.")
    return (severity, str(table["component"])), [
        _known(name, CHANNELS, f"{where}: channel") for name in channels
    ]


def _known(name: Any, names: tuple[str, ...], what: str) -> str:
    if name in names:
        return str(name)
    folded = {known.casefold(): known for known in names}
    near = get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.4)
    hint = f"did you mean {folded[near[0]]!r}?" if near else f"known are {', '.join(names)}."
    raise RulesError(f"{what} {name!r} is unknown: {hint}")
