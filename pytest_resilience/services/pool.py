"""The pool: the real services of one run, each started once, on demand or ahead, and ended with the run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import quote, unquote, urlsplit

from pytest_resilience.services.backend import Backend, EmbeddedBackend
from pytest_resilience.services.engine import EngineAddress, start_engine
from pytest_resilience.services.fresh_mlflow import FreshMlflow, KnownState
from pytest_resilience.services.mlflow import MlflowAddress
from pytest_resilience.services.own_environment import own_environment
from pytest_resilience.services.own_names import OwnNames, own_names
from pytest_resilience.services.postgres import PostgresAddress
from pytest_resilience.services.process import ChildProcess
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.settled import settle
from pytest_resilience.services.supervised_toxiproxy import SupervisedToxiproxy
from pytest_resilience.services.toxiproxy import ToxiproxySource

ENGINE = "engine"
TOXIPROXY = "toxiproxy"


class Shelf(Protocol):
    """Things of one sort that the sandboxes of this process share or take."""

    def close(self) -> None:
        """End and remove those that nobody has taken."""


AnyShelf = TypeVar("AnyShelf", bound=Shelf)


class ServicePool:
    """Start each service at most once in a run, and each engine once in a process of it.

    Args:
        run: the folder that the processes of the run share.
        seed: what the engine's random draws follow from.
        toxiproxy: the real Toxiproxy that carries the network faults; none where our engine does.
        backend: where PostgreSQL and MLflow come from; by default embedded.
    """

    def __init__(
        self,
        run: RunFolder,
        *,
        seed: int = 0,
        toxiproxy: ToxiproxySource | None = None,
        backend: Backend | None = None,
    ) -> None:
        self.run = run
        self.backend: Backend = EmbeddedBackend() if backend is None else backend
        self.shell = own_environment()
        """The environment before any test changed it."""
        self._seed = seed
        loopback = toxiproxy is not None  # a real Toxiproxy cannot dial a Unix socket
        self._makers: dict[str, Callable[[], Any]] = {
            "postgres": lambda: self._shared(
                "postgres", lambda: self.backend.postgres(run, loopback=loopback)
            ),
            "mlflow": lambda: self._shared("mlflow", lambda: self.backend.mlflow(run)),
            ENGINE: self._start_engine,
        }
        if toxiproxy is not None:
            self._makers[TOXIPROXY] = lambda: self._start_toxiproxy(toxiproxy)
        self._own: list[ChildProcess | SupervisedToxiproxy] = []
        self._started: dict[str, Future[Any]] = {}
        self._shelves: dict[str, Shelf] = {}
        self._lock = threading.Lock()

    def postgres(self) -> PostgresAddress:
        """Return the run's PostgreSQL server, started if need be."""
        return PostgresAddress(**self._begin("postgres").result())

    def mlflow(self) -> MlflowAddress:
        """Return the run's MLflow server, started if need be."""
        return MlflowAddress(**self._begin("mlflow").result())

    def fresh_mlflow(self, known: KnownState, prepare: Callable[[MlflowAddress], None]) -> FreshMlflow:
        """Start an MLflow server that can be put back into a known state, the one that `prepare` leaves."""
        return self.backend.fresh_mlflow(known, prepare)

    @property
    def names(self) -> OwnNames:
        """What begins the names of everything that this run keeps on servers that others use too."""
        return own_names(self.run)

    def engine(self) -> EngineAddress:
        """Return this process's proxy engine, started if need be."""
        address: EngineAddress = self._begin(ENGINE).result()
        return address

    def toxiproxy(self) -> SupervisedToxiproxy | None:
        """Return this process's real Toxiproxy, started if need be; none where our engine does its work."""
        if TOXIPROXY not in self._makers:
            return None
        started: SupervisedToxiproxy = self._begin(TOXIPROXY).result()
        return started

    @property
    def passwords(self) -> tuple[str, ...]:
        """The passwords of the run's servers, as far as they were started, also as URLs have them."""
        started = [self._facts(name) for name in ("postgres", "mlflow")]
        told = [facts.get("password") or urlsplit(facts.get("given", "")).password for facts in started]
        forms = (lambda text: text, unquote, lambda text: quote(text, safe=""))
        return tuple({form(password) for password in told if password for form in forms})

    def _facts(self, name: str) -> dict[str, Any]:
        started = self._started.get(name)
        if started is None or not started.done() or started.exception() is not None:
            return {}
        return dict(started.result())

    def prefetch(self, names: Iterable[str]) -> None:
        """Begin to start services side by side; errors come up where a service is asked for."""
        engines = [name for name in (ENGINE, TOXIPROXY) if name in self._makers]
        for name in (*names, *engines):
            self._begin(name)

    def shelf(self, name: str, make: Callable[[], AnyShelf]) -> AnyShelf:
        """Return the shelf of that name, made when it is first asked for; it is closed with the pool."""
        with self._lock:
            if name not in self._shelves:
                self._shelves[name] = make()
            return cast("AnyShelf", self._shelves[name])

    def stop(self) -> None:
        """End this process's engines and, where this process owns the run, everything of it."""
        with ExitStack() as each:  # the others even where one fails
            each.callback(self._end)
            for shelf in self._shelves.values():
                each.callback(shelf.close)

    def _end(self) -> None:
        if self.run.owner == os.getpid():
            self.run.end()
        for child in self._own:
            child.stop()

    def _begin(self, name: str) -> Future[Any]:
        with self._lock:
            known = self._started.get(name)
            if known is not None:
                return known
            future: Future[Any] = Future()
            self._started[name] = future
        order = (future, self._makers[name])
        threading.Thread(target=settle, args=order, name=f"start-{name}", daemon=True).start()
        return future

    def _shared(self, name: str, start: Callable[[], PostgresAddress | MlflowAddress]) -> dict[str, Any]:
        """Start what all processes of the run use, unless another of them has."""
        return self.run.once(name, lambda: asdict(start()))

    def _start_engine(self) -> EngineAddress:
        child, address = start_engine(self.run, f"{ENGINE}-{os.getpid()}", seed=self._seed)
        self._own.append(child)
        return address

    def _start_toxiproxy(self, source: ToxiproxySource) -> SupervisedToxiproxy:
        started = SupervisedToxiproxy(source, self.run, f"{TOXIPROXY}-{os.getpid()}")
        self._own.append(started)
        return started
