"""An MLflow server with one user at a time, put back into its known state in milliseconds, where a start takes seconds.

SQLite's backup goes into the store below the running server, under SQLite's own locks: the server's
connections see the store as it was (SQLite documentation, "Online Backup API").
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pytest_resilience.services.mlflow import ARTIFACTS, STORE, MlflowAddress, start_mlflow
from pytest_resilience.services.process import ChildProcess
from pytest_resilience.services.run_folder import RunFolder

LOCK_TIMEOUT = 30.0

StartMlflow: TypeAlias = Callable[[RunFolder, str], tuple[ChildProcess, MlflowAddress]]


@dataclass(frozen=True, slots=True)
class KnownState:
    """What the MLflow servers of a run hold when somebody begins to use them; made once, by the first that can.

    Args:
        run: the run whose folder it is kept in.
        name: what it is called there.
    """

    run: RunFolder
    name: str

    def make(self, folder: Path, prepare: Callable[[], None]) -> None:
        """Make it, unless it is made already: `prepare` brings the server whose files are in `folder` into it."""

        def made() -> dict[str, str]:
            prepare()
            _copy(folder, self._path)
            return {}

        self.run.once(f"known_{self.name}", made)

    def put_into(self, folder: Path) -> None:
        """Bring a server whose files are in `folder` into it; nobody may be using the server."""
        _copy(self._path, folder)

    @property
    def _path(self) -> Path:
        path = self.run.path / f"known-{self.name}"
        path.mkdir(mode=0o700, exist_ok=True)
        return path


@dataclass(frozen=True, slots=True)
class FreshMlflow:
    """A server, and what it is to hold when somebody begins to use it.

    Args:
        child: its process.
        address: where it is.
        folder: where it keeps its files.
        known: its state at each beginning.
    """

    child: ChildProcess
    address: MlflowAddress
    folder: Path
    known: KnownState

    @classmethod
    def start(
        cls,
        known: KnownState,
        prepare: Callable[[MlflowAddress], None],
        *,
        start: StartMlflow = start_mlflow,
    ) -> FreshMlflow:
        """Start one in a known state.

        Args:
            known: the state; its run owns the process.
            prepare: makes the state, where no other server of the run has been in it.
            start: starts a server that keeps its files in the run's sub-folder of a name.
        """
        name = f"mlflow-{secrets.token_hex(4)}"
        child, address = start(known.run, name)
        made = cls(child, address, known.run.folder(name), known)
        try:
            known.make(made.folder, lambda: prepare(address))
            made.reset()
        except BaseException:
            child.stop()
            raise
        return made

    def reset(self) -> None:
        """Put it back into its known state; nobody may be using it."""
        self.known.put_into(self.folder)


class FreshMlflows:
    """As many servers as were in use at once; each is reset before it is used again.

    Args:
        start: starts one.
    """

    def __init__(self, start: Callable[[], FreshMlflow]) -> None:
        self._start = start
        self._idle: list[FreshMlflow] = []
        self._lock = threading.Lock()

    def take(self) -> FreshMlflow:
        """Return a server in its known state that is the caller's alone until it is given back."""
        with self._lock:
            server = self._idle.pop(0) if self._idle else None  # the one that has been idle longest
        if server is None or server.child.exit_code is not None:
            return self._start()
        server.reset()
        return server

    def give_back(self, server: FreshMlflow) -> None:
        """Let somebody else have it."""
        with self._lock:
            self._idle.append(server)

    def close(self) -> None:
        """End those that nobody uses; safe to call twice."""
        with self._lock:
            idle, self._idle = self._idle, []
        for server in idle:
            server.child.stop()


def _copy(source: Path, target: Path) -> None:
    _copy_store(source / STORE, target / STORE)
    shutil.rmtree(target / ARTIFACTS, ignore_errors=True)
    if (source / ARTIFACTS).is_dir():
        shutil.copytree(source / ARTIFACTS, target / ARTIFACTS)


def _copy_store(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(source, timeout=LOCK_TIMEOUT)) as reading,
        closing(sqlite3.connect(target, timeout=LOCK_TIMEOUT)) as writing,
    ):
        reading.backup(writing)
