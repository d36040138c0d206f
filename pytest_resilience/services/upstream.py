"""A server that a team brings along: started by its own command on a free loopback port, for one run."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_resilience.services.listening import listening_host
from pytest_resilience.services.process import ChildProcess, Command, ServiceStartError
from pytest_resilience.services.quiet_port import quiet_ports
from pytest_resilience.services.run_folder import RunFolder

START_TIMEOUT = 60.0
GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL: whatever state it has is given up anyway."""
PORT_TRIES = 3


@dataclass(frozen=True, slots=True)
class Upstream:
    """A running server.

    Args:
        child: its process.
        host: the loopback address that it listens on.
        port: its port.
    """

    child: ChildProcess
    host: str
    port: int

    @property
    def address(self) -> str:
        """Where it is, as a proxy takes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def runs(self) -> bool:
        """Whether it has not ended by itself."""
        return self.child.exit_code is None

    def stop(self) -> None:
        """End it and all that it started; safe to call twice."""
        self.child.stop()


def start_upstream(
    run: RunFolder,
    name: str,
    command: Callable[[int], Sequence[str]],
    *,
    folder: Path,
    env: Mapping[str, str],
) -> Upstream:
    """Start a server, and return when it listens.

    Args:
        run: the folder and the owner of the process.
        name: the service's name.
        command: from the port to the command line.
        folder: where it is started.
        env: its whole environment.

    Raises:
        ServiceStartError: there is no such program, it ended, or it did not listen in time.
    """
    ports = quiet_ports()
    for _ in range(PORT_TRIES - 1):
        try:
            return _start(run, name, command, next(ports), folder, env)
        except ServiceStartError as error:
            if "address already in use" not in str(error).lower():
                raise
    return _start(run, name, command, next(ports), folder, env)


def _start(
    run: RunFolder,
    name: str,
    command: Callable[[int], Sequence[str]],
    port: int,
    folder: Path,
    env: Mapping[str, str],
) -> Upstream:
    arguments = list(command(port))
    _check_program(name, arguments, folder, env)
    log = run.folder("upstreams") / f"{name}-{secrets.token_hex(4)}.log"
    child = ChildProcess(
        f"the upstream of {name} ({' '.join(arguments)})",
        Command(arguments=arguments, log=log, run=run, env=env, cwd=folder, grace=GRACE),
    )
    child.wait_until(lambda: listening_host(port) is not None, timeout=START_TIMEOUT)
    return Upstream(child, listening_host(port) or "127.0.0.1", port)


def _check_program(name: str, arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
    program = arguments[0]
    found = shutil.which(folder / program if "/" in program else program, path=env.get("PATH"))
    if found is None:
        where = folder if "/" in program else f"PATH ({env.get('PATH', '')})"
        raise ServiceStartError(
            f"the upstream of {name} does not start: there is no program {program!r} in {where}"
        )
