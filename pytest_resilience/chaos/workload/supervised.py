"""One start of a workload under its supervisor, seen from the run."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pytest_resilience.chaos.workload import process_tree
from pytest_resilience.chaos.workload.supervisor import receive, send
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.own_environment import own_environment
from pytest_resilience.services.run_folder import RunFolder

SUPERVISOR = Path(__file__).with_name("supervisor.py")
ENDING = 10.0
"""Seconds that a supervisor has to end everything below it; it takes milliseconds."""


class WorkloadStartError(HarnessError):
    """Say that a workload could not be started at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a supervisor starts.

    Args:
        command: the command line.
        folder: where it runs.
        environment: all of it.
        stdout, stderr: the files that take its output.
        run: whose end ends it.
        program: what the command is in a Python that runs already; see `preparation`.
    """

    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    stdout: Path
    stderr: Path
    run: RunFolder
    program: Mapping[str, Any] | None = None

    def message(self) -> dict[str, Any]:
        """Return it as the supervisor reads it."""
        return {
            "command": list(self.command),
            "cwd": str(self.folder),
            "env": dict(self.environment),
            "stdout": str(self.stdout),
            "stderr": str(self.stderr),
            "program": None if self.program is None else dict(self.program),
            "owners": sorted({os.getpid(), self.run.owner}),
        }


class Launcher(Protocol):
    """Something that puts a supervisor at the other end of a socket."""

    def launch(self, charge: Charge, theirs: socket.socket) -> int:
        """Start a supervisor that has the charge; return its process id."""

    def gone(self, pid: int) -> None:
        """Reap a supervisor whose end was asked for."""


class PlainLauncher:
    """A supervisor started for each workload, which starts the command as a shell would."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[subprocess.Popen[bytes], RunFolder]] = {}

    def launch(self, charge: Charge, theirs: socket.socket) -> int:
        """Start a supervisor; the charge follows on the socket."""
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=own_environment(),
            start_new_session=True,
        )
        charge.run.guardians.append(process)
        self._running[process.pid] = (process, charge.run)
        return process.pid

    def gone(self, pid: int) -> None:
        """Wait for a supervisor's end."""
        process, run = self._running.pop(pid)
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(ValueError):
            run.guardians.remove(process)


class Supervised:
    """A workload that was started.

    Args:
        charge: what to start.
        launcher: how.

    Raises:
        WorkloadStartError: it could not be started.
    """

    def __init__(self, charge: Charge, launcher: Launcher) -> None:
        self.began = time.monotonic()
        self.ended: float | None = None
        self.exit_code: int | None = None
        self._over = threading.Event()
        self._launcher = launcher
        self._control, theirs = socket.socketpair()
        with theirs:
            self.supervisor = launcher.launch(charge, theirs)
        send(self._control, charge.message())
        self.pid = self._started(charge)
        self._reader = threading.Thread(target=self._read, name=f"workload-{self.pid}", daemon=True)
        self._reader.start()

    def _started(self, charge: Charge) -> int:
        answer = receive(self._control) or {"failed": [0, "its supervisor ended", ""]}
        if "started" in answer:
            return int(answer["started"])
        self._control.close()
        self._launcher.gone(self.supervisor)
        raise WorkloadStartError(_why(charge, *answer["failed"]))

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while (message := receive(self._control)) is not None:
                if "ended" in message:
                    self.ended, self.exit_code = message["at"], message["ended"]
                    self._over.set()
        self._over.set()

    def wait(self, timeout: float | None) -> bool:
        """Wait until the main process ended; return whether it has."""
        return self._over.wait(timeout)

    def pids(self) -> tuple[int, ...]:
        """Return all live processes of it, its own first."""
        return () if self._control.fileno() == -1 else process_tree.descendants(self.supervisor)

    def kill(self) -> None:
        """Kill it, its children, and theirs."""
        if self._control.fileno() != -1:
            process_tree.kill(self.supervisor)

    def pause(self) -> None:
        """Stop all of it with SIGSTOP."""
        if self._control.fileno() != -1:
            process_tree.freeze(self.supervisor)

    def unpause(self) -> None:
        """Let all of it go on with SIGCONT."""
        if self._control.fileno() != -1:
            process_tree.thaw(self.supervisor)

    def terminate(self) -> None:
        """Ask the main process's group to end, with SIGTERM; what is paused goes on to hear of it."""
        if not self._over.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGTERM)
            self.unpause()

    def close(self) -> None:
        """End all of it, and its supervisor; safe to call twice."""
        if self._control.fileno() == -1:
            return
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        self._launcher.gone(self.supervisor)
        self._reader.join(ENDING)
        self._control.close()
        self.ended = self.ended or time.monotonic()


def _why(charge: Charge, _number: int, text: str, name: str) -> str:
    what = f"{text}: {name}" if name else text
    if not charge.folder.is_dir():
        hint = "the working folder is not there"
    elif "/" in charge.command[0]:
        hint = f"a path with a slash is looked for from {charge.folder}, and has to be executable"
    else:
        hint = f"it is looked for on the workload's PATH, {charge.environment.get('PATH', '(not set)')}"
    return f"cannot start {' '.join(charge.command)!r} in {charge.folder}: {what}; {hint}"
