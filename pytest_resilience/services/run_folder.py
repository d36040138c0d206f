"""The run folder: where the services of one test run keep their files, shared by all processes of the run."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_resilience.errors import HarnessError

LONGEST_PARENT = 45
"""A Unix socket's path has 107 bytes; a longer parent folder leaves no room for it."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A private folder that dies with the process that made it.

    Args:
        path: the folder.
        owner: the process whose end is the end of the run (under pytest-xdist the controller).
        guardians: those that this process started.
    """

    path: Path
    owner: int
    guardians: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def make(cls, parent: Path | None = None) -> RunFolder:
        """Make the folder below `parent`, by default the system's folder for temporary files.

        Raises:
            HarnessError: it cannot be made there.
        """
        root = parent or _short_temporary_folder()
        try:
            path = Path(tempfile.mkdtemp(prefix="pytest-resilience-", dir=root))
        except OSError as error:
            raise HarnessError(
                f"cannot make a folder for the services below {root}: {error.strerror}; "
                "free some space there, or point TMPDIR to a folder that can be written"
            ) from error
        if os.geteuid() == 0:
            path.chmod(0o711)  # a server that runs under a system user has to pass through
        return cls(path, os.getpid())

    def folder(self, name: str) -> Path:
        """Return the sub-folder of that name; only the owner of the files can look into it."""
        folder = self.path / name
        folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
        return folder

    def note_guardian(self, guardian: subprocess.Popen[bytes]) -> Path:
        """Write down that a guardian runs for this run; the entry is removed when it was stopped."""
        self.guardians.append(guardian)
        entry = self.folder("guardians") / str(guardian.pid)
        entry.touch(mode=0o600)
        return entry

    def end(self, *, timeout: float = 15.0) -> None:
        """End every process of the run and remove the folder; safe to call twice.

        Args:
            timeout: seconds that the processes have to end by themselves.
        """
        own = [guardian for guardian in self.guardians if guardian.poll() is None]
        others = [pid for pid in self._noted() if pid not in {guardian.pid for guardian in self.guardians}]
        for guardian in own:
            guardian.terminate()
        for pid in filter(_is_guardian, others):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + timeout
        for guardian in own:
            with contextlib.suppress(subprocess.TimeoutExpired):
                guardian.wait(max(0.0, end - time.monotonic()))
        while any(map(_is_guardian, others)) and time.monotonic() < end:
            time.sleep(0.01)
        shutil.rmtree(self.path, ignore_errors=True)

    def _noted(self) -> list[int]:
        return [int(entry.name) for entry in (self.path / "guardians").glob("*")]

    def once(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what `make()` returned to the first process of this run that asked for `name`.

        The facts are kept in a file that only this user can read; a second process waits for the first.
        """
        facts = self.path / f"{name}.json"
        with self._locked(name):
            if facts.exists():
                return dict(json.loads(facts.read_text()))
            made = make()
            descriptor = os.open(facts, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                json.dump(made, stream)
            return made

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        descriptor = os.open(self.path / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_guardian(pid: int) -> bool:
    """Say whether the process still runs and is a guardian, and not one that was given its number later."""
    try:
        return b"guardian.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _short_temporary_folder() -> Path:
    folder = Path(tempfile.gettempdir())
    return folder if len(str(folder)) <= LONGEST_PARENT else Path("/tmp")  # noqa: S108 - mkdtemp is private
