"""The ground of a sandbox: the run's servers and engines, and the undoing of what is made on them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.log_view import LogView
from pytest_resilience.chaos.wire import ProxiedService
from pytest_resilience.services.engine import EngineClient
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.supervised_toxiproxy import SupervisedToxiproxy

NEVER_BY_WAY_OF = ("127.0.0.1", "localhost", "::1")


@dataclass(slots=True)
class Ground:
    """What the services of one sandbox are made on.

    Args:
        pool: the run's servers.
        folder: the configuration's folder.
        logs: what the services write while the sandbox is there, by who writes.
        undo: undoes everything at the end.
        fresh_registry: MLflow servers are used by one sandbox at a time, and begin in their known state.
        sole_registry: one MLflow server is declared, so that nobody else uses the one that all tests share.
        prefix: begins the names of what is kept on a server that others use too.
    """

    pool: ServicePool
    folder: Path
    logs: dict[str, LogView] = field(default_factory=dict)
    undo: ExitStack = field(default_factory=ExitStack)
    fresh_registry: bool = False
    sole_registry: bool = False
    prefix: str = field(init=False)
    _began: float | None = None
    _real: SupervisedToxiproxy | None = None
    _replaced_before: int = 0

    def __post_init__(self) -> None:
        of_run = self.pool.names.registry if self.pool.backend.shares_registry else ""
        self.prefix = f"{of_run}t{secrets.token_hex(4)}-"

    @property
    def shell(self) -> dict[str, str]:
        """The shell's environment, in which nothing on this machine is reached by way of a web proxy."""
        return direct(self.pool.shell)

    def engine(self) -> EngineClient:
        """Return the client of the engine that carries this sandbox's faults."""
        address = self.pool.engine()
        self.note_log("proxy engine", address.log)
        return EngineClient(address.host, address.port)

    @property
    def began(self) -> float:
        """The engine's time when the first service began: one zero for the receipts of all."""
        if self._began is None:
            self._began = self.engine().now()
        return self._began

    def toxiproxy(self) -> SupervisedToxiproxy | None:
        """Return the real Toxiproxy that carries the network faults; none where our engine does."""
        real = self.pool.toxiproxy()
        if real is not None and self._real is None:
            self._real, self._replaced_before = real, len(real.replacements)
            self.note_log("Toxiproxy", real.address.log)
        return real

    @property
    def replacements(self) -> list[str]:
        """Why the real Toxiproxy was replaced meanwhile, each time."""
        return [] if self._real is None else self._real.replacements[self._replaced_before :]

    def note_log(self, who: str, file: str | os.PathLike[str]) -> None:
        """Remember where a log stands now, if it was not remembered before; a server that is not ours has none."""
        if file and who not in self.logs:
            self.logs[who] = LogView.from_now_on(Path(file))

    def proxied(
        self, name: str, upstream: str, *, protocol: str | None, settings: Mapping[str, Any] | None = None
    ) -> ProxiedService:
        """Put proxies in front of a server; they go with the sandbox."""
        proxied = ProxiedService.begin(
            name,
            upstream,
            engine=self.engine(),
            protocol=protocol,
            toxiproxy=self.toxiproxy(),
            settings=settings,
            began=self.began,
        )
        self.undo.callback(proxied.end)
        return proxied


def direct(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment whose web proxy, if it names one, is not asked for what is on this machine."""
    if not any(name.lower() in {"http_proxy", "https_proxy", "all_proxy"} for name in env):
        return dict(env)
    known = (env.get("no_proxy") or env.get("NO_PROXY") or "").split(",")
    wanted = ",".join(dict.fromkeys([*filter(None, known), *NEVER_BY_WAY_OF]))
    return {**env, "no_proxy": wanted, "NO_PROXY": wanted}
