"""What the judges may ask beside a run's record: the services, around the proxies, and what was declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pytest_resilience.chaos.configuration.model import AlertRule, WorkloadDeclaration
from pytest_resilience.chaos.state.expected_keys import KeySet


class Look(Protocol):
    """Where services are, around the proxies."""

    def dsn(self, service: str) -> str:
        """Return a database's address."""

    def url(self, name: str) -> str:
        """Return the address of a web service, or of the workload where it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the judges may ask.

    Args:
        look: where the services are.
        workload: the declaration of what ran.
        folder: where relative paths of the configuration start.
        keys: by table, the keys of the undisturbed run, for `exactly_once` without a file.
        keys_before: by table, the keys before it, for `exactly_once` with a file.
        rules: on log lines, which raise alerts elsewhere.
    """

    look: Look
    workload: WorkloadDeclaration
    folder: Path
    keys: Mapping[str, KeySet] = field(default_factory=dict)
    keys_before: Mapping[str, KeySet] = field(default_factory=dict)
    rules: Sequence[AlertRule] = ()
