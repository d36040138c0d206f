"""`{name}` in a text of the configuration: which there are, and the text with their values; `{{` is a brace."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.chaos.nearest import nearest

OF_SERVICE: Mapping[ServiceKind, tuple[str, ...]] = {
    "postgres": ("dsn", "host", "port", "user", "password", "database"),
    "mlflow": ("tracking_uri", "url", "host", "port"),
    "http": ("url", "host", "port"),
    "tcp": ("host", "port"),
}
"""What may stand in the `env` of a service."""

OF_ALERTS = ("pagerduty", "slack", "smtp_host", "smtp_port")
"""What may stand in the `env` of the alerts."""

OF_CANARIES = ("canary",)
"""What stands in the `env` of the canaries."""

OF_HEADERS = ("uuid",)
"""What may stand in the `headers` of the requests that drive a server."""

OF_STEP = ("python",)
"""What may stand in a command that does something and ends: `init`, `rollback`."""

OF_COMMAND = ("python", "port")
"""What may stand in a workload's command and `env`, and in the command of an `upstream`."""

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def fill(template: str, values: Mapping[str, object]) -> str:
    """Return the text with each `{name}` replaced by its value, and doubled braces single.

    Raises:
        ValueError: a name has no value, or a brace stands alone.
    """

    def filled(part: re.Match[str]) -> str:
        if part[0] in {"{{", "}}"}:
            return part[0][0]
        name = _name(part)
        if name not in values:
            raise ValueError(f"{{{name}}} is no placeholder here: {nearest(name, values)}")
        return str(values[name])

    return _PART.sub(filled, template)


def fill_command(command: str | Sequence[str], values: Mapping[str, object]) -> tuple[str, ...]:
    """Return a command's words, filled; a text is split into words first, so that a value stays one word."""
    return tuple(fill(word, values) for word in words(command))


def words(command: str | Sequence[str]) -> tuple[str, ...]:
    """Return a command's words: those of a list, or of a text as a shell splits it (which nothing else here does).

    Raises:
        ValueError: a quotation mark is not closed.
    """
    return tuple(shlex.split(command)) if isinstance(command, str) else tuple(command)


def placeholders(template: str) -> tuple[str, ...]:
    """Return the names in a text, in order.

    Raises:
        ValueError: a brace stands alone.
    """
    return tuple(_name(part) for part in _PART.finditer(template) if part[0] not in {"{{", "}}"})


def mistakes(template: str, known: Sequence[str]) -> list[str]:
    """Return what is wrong with a text in which these names may stand."""
    try:
        names = placeholders(template)
    except ValueError as error:
        return [str(error)]
    unknown = dict.fromkeys(name for name in names if name not in known)
    return [
        f"{{{name}}} is no placeholder here: {nearest(name, known)}; double the braces to mean them"
        for name in unknown
    ]


def _name(part: re.Match[str]) -> str:
    if part[0] in {"{", "}"}:
        raise ValueError(f"a {part[0]!r} stands alone: double it, {part[0] * 2!r}, to mean the brace itself")
    return part[1]
