"""The pool: the real services of one run, each started once, on demand or ahead, and ended with the run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any

from pytest_resilience.services.mlflow import MlflowAddress, start_mlflow
from pytest_resilience.services.postgres import PostgresAddress, start_postgres
from pytest_resilience.services.process import ChildProcess
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy import EngineAddress, start_engine


class ServicePool:
    """Start each service at most once in a run, whichever process of the run asks first.

    Args:
        run: the folder that the processes of the run share.
        seed: what the engine's random draws follow from.
    """

    def __init__(self, run: RunFolder, *, seed: int = 0) -> None:
        self._run = run
        self._engine_name = f"engine-{os.getpid()}"
        self._makers: dict[str, Callable[[], tuple[ChildProcess, Any]]] = {
            "postgres": lambda: start_postgres(run),
            "mlflow": lambda: start_mlflow(run),
            self._engine_name: lambda: start_engine(run, self._engine_name, seed=seed),
        }
        self._children: list[ChildProcess] = []
        self._started: dict[str, Future[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def postgres(self) -> PostgresAddress:
        """Return the run's PostgreSQL server, started if need be."""
        return PostgresAddress(**self._begin("postgres").result())

    def mlflow(self) -> MlflowAddress:
        """Return the run's MLflow server, started if need be."""
        return MlflowAddress(**self._begin("mlflow").result())

    def engine(self) -> EngineAddress:
        """Return this process's proxy engine, started if need be."""
        return EngineAddress(**self._begin(self._engine_name).result())

    def prefetch(self, names: Iterable[str]) -> None:
        """Begin to start services side by side; errors come up where a service is asked for."""
        for name in names:
            self._begin(name)
        self._begin(self._engine_name)

    def stop(self) -> None:
        """End this process's engine and, where this process owns the run, everything of it."""
        if self._run.owner == os.getpid():
            self._run.end()
        elif self._engine_name in self._started:
            for child in self._children:
                if child.name == "the proxy engine":
                    child.stop()

    def _begin(self, name: str) -> Future[dict[str, Any]]:
        with self._lock:
            known = self._started.get(name)
            if known is not None:
                return known
            future: Future[dict[str, Any]] = Future()
            self._started[name] = future
        threading.Thread(target=self._start, args=(name, future), name=f"start-{name}", daemon=True).start()
        return future

    def _start(self, name: str, future: Future[dict[str, Any]]) -> None:
        try:
            future.set_result(self._run.once(name, lambda: self._make(name)))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the service is asked for
            future.set_exception(error)

    def _make(self, name: str) -> dict[str, Any]:
        child, address = self._makers[name]()
        self._children.append(child)
        return asdict(address)
