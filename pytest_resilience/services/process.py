"""Child processes that never outlive the run: a guardian ends each of them when we are gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.own_environment import own_environment
from pytest_resilience.services.run_folder import RunFolder

GUARDIAN = Path(__file__).with_name("guardian.py")
POLL_SECONDS = 0.02
PORT_TRIES = 3

Started = TypeVar("Started")


class ServiceStartError(HarnessError):
    """Say that a real service could not be started, with the last lines of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run, and how.

    Args:
        arguments: the command line; never a place for secrets, other users can read it.
        log: the file that takes both output streams.
        run: whose end ends the command.
        env: the whole environment, by default this process's.
        user, group: ids to run under, by default this process's.
        stop_signal: what asks it to end.
        grace: seconds between that and SIGKILL.
    """

    arguments: Sequence[str]
    log: Path
    run: RunFolder
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: int | None = None
    group: int | None = None
    stop_signal: int = signal.SIGTERM
    grace: float = 5.0

    def charge(self) -> str:
        """Return the guardian's orders, as JSON."""
        return json.dumps(
            {
                "command": list(self.arguments),
                "log": str(self.log),
                "owner": self.run.owner,
                "cwd": None if self.cwd is None else str(self.cwd),
                "user": self.user,
                "group": self.group,
                "stop_signal": int(self.stop_signal),
                "grace": self.grace,
                "remove": str(self.run.path),
            }
        )


class ChildProcess:
    """A running command under its guardian.

    Args:
        name: what messages call it, for example `PostgreSQL`.
        command: what to run.
    """

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self.log = command.log
        self._grace = command.grace
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as log:
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARDIAN), command.charge()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=own_environment() if command.env is None else dict(command.env),
                start_new_session=True,
            )
        self._entry = command.run.note_guardian(self._guardian)

    @property
    def pid(self) -> int:
        """The guardian's process id: SIGTERM to it ends the command."""
        return self._guardian.pid

    @property
    def exit_code(self) -> int | None:
        """The command's status, 128 + N after signal N; none while it runs."""
        return self._guardian.poll()

    def wait_until(self, ready: Callable[[], bool], *, timeout: float) -> None:
        """Wait until `ready()` is true.

        Raises:
            ServiceStartError: the process ended, or `timeout` seconds passed.
        """
        end = time.monotonic() + timeout
        while not ready():
            if self.exit_code is not None:
                raise ServiceStartError(self._story(f"ended with status {self.exit_code} at its start"))
            if time.monotonic() > end:
                self.stop()
                raise ServiceStartError(self._story(f"was not ready after {timeout:g} s"))
            time.sleep(POLL_SECONDS)

    def finish(self, *, timeout: float) -> int:
        """Wait until the command has ended by itself, and return its status.

        Raises:
            ServiceStartError: `timeout` seconds passed; it is ended then.
        """
        try:
            status = self._guardian.wait(timeout)
        except subprocess.TimeoutExpired:
            self.stop()
            raise ServiceStartError(self._story(f"had not ended after {timeout:g} s")) from None
        self._entry.unlink(missing_ok=True)
        return status

    def stop(self) -> None:
        """End the command and wait until it is gone; safe to call twice."""
        if self._guardian.poll() is None:
            self._guardian.terminate()
        try:
            self._guardian.wait(self._grace + 5.0)
        except subprocess.TimeoutExpired:
            self._guardian.kill()
            self._guardian.wait()
        self._entry.unlink(missing_ok=True)

    def _story(self, what: str) -> str:
        return f"{self.name} {what}; the last lines of its log, {self.log}:\n{indented_tail(self.log)}"


def tail(log: Path, lines: int = 15) -> list[str]:
    """Return the last lines of a log file, none where there is no file yet."""
    try:
        with log.open(encoding="utf-8", errors="replace") as stream:
            return [line.rstrip() for line in deque(stream, maxlen=lines)]
    except FileNotFoundError:
        return []


def indented_tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log file as an indented block."""
    return "\n".join(f"    {line}" for line in tail(log, lines)) or "    (empty)"


def on_free_port(start: Callable[[int], Started]) -> Started:
    """Call `start` with a free loopback port, and again with another where somebody took it in between.

    A server that needs seconds until it listens does not lose it: on Linux the port is held meanwhile, so that no
    outgoing connection and no other server is given it, whose answers would be taken for those of ours.
    """
    for _ in range(PORT_TRIES - 1):
        try:
            return _start_on_free_port(start)
        except ServiceStartError as error:
            if "address already in use" not in str(error).lower():
                raise
    return _start_on_free_port(start)


def _start_on_free_port(start: Callable[[int], Started]) -> Started:
    with socket.socket() as holder:
        holds = sys.platform == "linux"  # elsewhere a bound port can be listened on by nobody else
        if holds:  # with this option on both, who listens first has it: socket(7), SO_REUSEADDR
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port = int(holder.getsockname()[1])
        if not holds:
            holder.close()
        return start(port)
