"""The sandbox: what one test has to itself, a database, proxies, faults, and all of it undone at the end."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.fault import Fault
from pytest_resilience.chaos.handle import ServiceHandle
from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.log_view import LogView
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.wire import ProxiedService
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.engine import EngineClient
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.supervised_toxiproxy import SupervisedToxiproxy

LONGEST_IDENTIFIER = 63
"""PostgreSQL cuts longer names off (documentation, 4.1.1)."""


class UnknownServiceError(HarnessError):
    """Say that a test asked for a service that nobody declared."""


@dataclass(slots=True)
class Sandbox:
    """Services of one test, made when first asked for, undone when closed.

    Args:
        pool: the run's servers.
        title: what the test is called; its database is named after it.
    """

    pool: ServicePool
    title: str
    logs: dict[str, LogView] = field(default_factory=dict)
    _handles: dict[str, ServiceHandle] = field(default_factory=dict)
    _undo: ExitStack = field(default_factory=ExitStack)
    _real: SupervisedToxiproxy | None = None
    _replaced_before: int = 0

    def engine(self) -> EngineClient:
        """Return the client of the engine that carries this test's faults."""
        address = self.pool.engine()
        self.logs.setdefault("proxy engine", LogView.from_now_on(Path(address.log)))
        return EngineClient(address.host, address.port)

    def toxiproxy(self) -> SupervisedToxiproxy | None:
        """Return the real Toxiproxy that carries this test's network faults; none where our engine does."""
        real = self.pool.toxiproxy()
        if real is not None and self._real is None:
            self._real, self._replaced_before = real, len(real.replacements)
            self.logs["Toxiproxy"] = LogView.from_now_on(Path(real.address.log))
        return real

    @property
    def replacements(self) -> list[str]:
        """Why the real Toxiproxy was replaced during this test, each time."""
        return [] if self._real is None else self._real.replacements[self._replaced_before :]

    def service(self, name: str) -> ServiceHandle:
        """Return the handle of a service.

        Raises:
            UnknownServiceError: there is no such service.
        """
        makers = {"postgres": self.postgres, "mlflow": self.mlflow}
        if name not in makers:
            raise UnknownServiceError(f"there is no service {name!r}; {nearest(name, makers)}")
        return makers[name]()

    def postgres(self) -> PostgresHandle:
        """Return a new, empty database of a real PostgreSQL server, behind a proxy."""
        known = self._handles.get("postgres")
        if isinstance(known, PostgresHandle):
            return known
        address = self.pool.postgres()
        self.logs["PostgreSQL"] = LogView.from_now_on(Path(address.log))
        database = _database_name(self.title)
        address.create_database(database)
        self._undo.callback(address.drop_database, database)
        proxied = self._proxied("postgres", address.upstream, protocol="postgres")
        handle = PostgresHandle(proxied, address, database)
        self._handles["postgres"] = handle
        return handle

    def mlflow(self) -> HttpHandle:
        """Return the run's MLflow server behind a proxy of this test."""
        known = self._handles.get("mlflow")
        if isinstance(known, HttpHandle):
            return known
        address = self.pool.mlflow()
        self.logs["MLflow"] = LogView.from_now_on(Path(address.log))
        proxied = self._proxied("mlflow", address.upstream, protocol="http")
        handle = HttpHandle(proxied, address.url)
        self._handles["mlflow"] = handle
        return handle

    def inject(
        self, service: str, kind: str, *, when: Mapping[str, Any] | None = None, **attributes: Any
    ) -> Fault:
        """Return a fault on a service, by names.

        Args:
            service: the service's name.
            kind: a network fault, or with `when` a fault at a message.
            when: the trigger, with the arguments of the handle's `at`.
            attributes: the fault's own.
        """
        handle = self.service(service)
        if when is None:
            return handle.inject(kind, **attributes)
        if not isinstance(handle, PostgresHandle | HttpHandle):
            raise TypeError(f"service {service!r} has no messages that are known, so `when` means nothing")
        return handle.at(**when).inject(kind, **attributes)

    @property
    def faults(self) -> list[Fault]:
        """Every fault that this test made."""
        return [fault for handle in self._handles.values() for fault in handle.proxied.faults]

    @property
    def receipts(self) -> list[Receipt]:
        """What the faults of this test have hit, in order."""
        found = [receipt for fault in self.faults for receipt in fault.receipts]
        return sorted(found, key=lambda receipt: receipt.at)

    def close(self) -> None:
        """Heal every fault, remove the proxies and drop the database; what fails does not stop the rest."""
        with self._undo:
            for fault in self.faults:
                self._undo.callback(fault.heal)

    def _proxied(self, name: str, upstream: str, *, protocol: str) -> ProxiedService:
        engine, toxiproxy = self.engine(), self.toxiproxy()
        proxied = ProxiedService.begin(name, upstream, engine=engine, protocol=protocol, toxiproxy=toxiproxy)
        self._undo.callback(proxied.end)
        return proxied


def _database_name(title: str) -> str:
    readable = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    unique = secrets.token_hex(4)
    return f"{readable[: LONGEST_IDENTIFIER - len(unique) - 1]}_{unique}"
