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
class FreshMlflow:
    """A server, and the copy of what it is to hold when somebody begins to use it.

    Args:
        child: its process.
        address: where it is.
        folder: where it keeps its files.
    """

    child: ChildProcess
    address: MlflowAddress
    folder: Path

    @classmethod
    def start(
        cls, run: RunFolder, prepare: Callable[[MlflowAddress], None], *, start: StartMlflow = start_mlflow
    ) -> FreshMlflow:
        """Start one, and remember its state once `prepare` is through.

        Args:
            run: the folder and the owner of its process.
            prepare: makes the state.
            start: starts a server that keeps its files in the run's sub-folder of a name.
        """
        name = f"mlflow-{secrets.token_hex(4)}"
        child, address = start(run, name)
        made = cls(child, address, run.folder(name))
        try:
            prepare(address)
        except BaseException:
            child.stop()
            raise
        _copy_store(made.folder / STORE, made._pristine / STORE)
        _copy_folder(made.folder / ARTIFACTS, made._pristine / ARTIFACTS)
        return made

    def reset(self) -> None:
        """Put it back into the state that it was remembered in; nobody may be using it."""
        _copy_store(self._pristine / STORE, self.folder / STORE)
        _copy_folder(self._pristine / ARTIFACTS, self.folder / ARTIFACTS)

    @property
    def _pristine(self) -> Path:
        pristine = self.folder / "pristine"
        pristine.mkdir(mode=0o700, exist_ok=True)
        return pristine


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


def _copy_store(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(source, timeout=LOCK_TIMEOUT)) as reading,
        closing(sqlite3.connect(target, timeout=LOCK_TIMEOUT)) as writing,
    ):
        reading.backup(writing)


def _copy_folder(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target)
