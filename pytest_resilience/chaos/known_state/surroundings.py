"""What a sandbox has around its services: a working folder, captured alerts, planted secrets, an environment."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.known_state.environment import (
    OUTBOX,
    PREFIX,
    alerts_env,
    canaries_env,
    environment_from,
)
from pytest_resilience.chaos.known_state.ground import Ground
from pytest_resilience.chaos.known_state.working_folder import working_folders

if TYPE_CHECKING:
    from pytest_resilience.services.alert_inbox import AlertInbox


@dataclass(slots=True)
class Surroundings:
    """Each is made when first asked for, and goes with the ground.

    Args:
        ground: what it is made on.
        configuration: what is declared; none where nothing is.
    """

    ground: Ground
    configuration: Configuration | None
    _folder: Path | None = None
    _outbox: Path | None = None
    _inbox: AlertInbox | None = None
    _canaries: dict[str, str] | None = None

    def folder(self) -> Path:
        """Return the private copy of the configuration's folder; without a configuration an empty folder."""
        if self._folder is None:
            self._folder = self._private("working") if self.configuration is None else self._copy()
        return self._folder

    def inbox(self) -> AlertInbox:
        """Return the captured endpoints, open."""
        if self._inbox is None:
            from pytest_resilience.services.alert_inbox import AlertInbox  # noqa: PLC0415 - it needs asyncio

            self._inbox = self.ground.undo.enter_context(AlertInbox())
        return self._inbox

    def canaries(self) -> Mapping[str, str]:
        """Return the planted secrets, by environment variable."""
        if self._canaries is None:
            self._canaries = {name: f"canary{secrets.token_hex(16)}" for name in self._canary_templates}
        return self._canaries

    def variables(self) -> dict[str, str]:
        """Return what code in the sandbox is told, but for its services."""
        return {
            PREFIX: self.ground.prefix,
            OUTBOX: str(self._outbox_file()),
            **self._alerts(),
            **canaries_env(self._canary_templates, self.canaries()),
        }

    def environment(
        self, shell: Mapping[str, str], of_services: Iterable[Mapping[str, str]]
    ) -> dict[str, str]:
        """Return a whole environment.

        Args:
            shell: what it starts from.
            of_services: the variables of each service that is used.
        """
        ours = self.variables()
        for variables in of_services:
            ours |= variables
        return environment_from(shell, self.configuration, ours)

    @property
    def _canary_templates(self) -> Mapping[str, str]:
        return {} if self.configuration is None else self.configuration.canaries

    def _alerts(self) -> dict[str, str]:
        """Return the declared addresses of the endpoints; nothing, and no endpoint, where none is declared."""
        declared = None if self.configuration is None else self.configuration.alerts
        return alerts_env(declared, self.inbox().urls) if declared is not None and declared.env else {}

    def _outbox_file(self) -> Path:
        """Return where undelivered alerts wait: through restarts of a workload, and for nobody else."""
        if self._outbox is None:
            self._outbox = self._private("outboxes")
        return self._outbox / "alerts.db"

    def _copy(self) -> Path:
        assert self.configuration is not None  # noqa: S101 - there is nothing else to copy
        folders = working_folders(self.ground.pool, self.configuration)
        folder = folders.take()
        self.ground.undo.callback(folders.give_back, folder)
        return folder.path

    def _private(self, sort: str) -> Path:
        folder = self.ground.pool.run.folder(sort) / secrets.token_hex(6)
        folder.mkdir(mode=0o700)
        self.ground.undo.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder
