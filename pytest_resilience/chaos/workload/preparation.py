"""Prepared starts: third-party modules are loaded once in a zygote, and each start is a fork of it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.workload.supervised import ENDING, Charge
from pytest_resilience.chaos.workload.supervisor import receive, send
from pytest_resilience.services.process import indented_tail
from pytest_resilience.services.run_folder import RunFolder

ZYGOTE = Path(__file__).with_name("zygote.py")
LOADING = 120.0
"""Seconds that the modules have to load."""
MOST_TRIES = 8
UNSAFE = frozenset({"cupy", "grpc", "jax", "pyspark", "ray", "tensorflow", "torch"})
"""Packages that hold locks, threads or devices which a fork loses, although they may not show it at import."""
AT_START = ("PYTHON", "LC_", "LD_", "MALLOC_", "GLIBC_")
QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Libraries that start threads of their own when they are loaded are told not to; what a fork is told is its own."""


class Preparation:
    """What makes the starts of one workload quick, shared by all its runs in a session.

    The first start is plain and leaves the names of the modules that it loaded; from then on starts are forks.

    Args:
        run: whose end ends the zygotes.
        own: top-level packages of the team, which are never loaded beforehand.
    """

    def __init__(self, run: RunFolder, *, own: tuple[str, ...] = ()) -> None:
        self._run = run
        self._own = own
        self._folder = Path(tempfile.mkdtemp(prefix="p", dir=run.folder("workloads")))
        self._zygotes: dict[tuple[bool, tuple[tuple[str, str], ...]], ZygoteLauncher] = {}
        self._lock = threading.Lock()
        self._unsafe: set[str] = set(UNSAFE)
        self.why_plain: str | None = None

    @property
    def imports(self) -> Path:
        """Where a plain start leaves the names of the modules that it loaded."""
        return self._folder / "imports.json"

    @property
    def modules(self) -> list[str] | None:
        """The modules that are loaded beforehand; none before the first start has ended."""
        with contextlib.suppress(OSError, ValueError):
            names = json.loads(self.imports.read_text(encoding="utf-8"))
            return [name for name in names if name.partition(".")[0] not in self._unsafe | {*self._own}]
        return None

    def launcher(self, charge: Charge, *, changed: bool) -> ZygoteLauncher | None:
        """Return what forks this charge; none where it has to start plainly, for the reason in `why_plain`.

        Args:
            charge: with its program.
            changed: whether something is changed inside it.
        """
        self.why_plain = self._obstacle(charge)
        if self.why_plain is not None:
            return None
        fixed = _fixed(charge.environment)
        key = (changed, tuple(sorted(fixed.items())))
        with self._lock:
            zygote = self._zygotes.get(key)
            if zygote is None or not zygote.alive:
                zygote = self._loaded(charge, changed=changed)
            if zygote is not None:
                self._zygotes[key] = zygote
        return zygote

    def _obstacle(self, charge: Charge) -> str | None:
        if charge.program is None:
            return "its command is not python -m MODULE or python SCRIPT, without other options"
        customized = _customized(charge.environment.get("PYTHONPATH", ""))
        if customized is not None:
            return f"{customized} has to run at each start"
        if self.modules is None:
            return "which modules it loads is not known before its first start has ended by itself"
        return None

    def _loaded(self, charge: Charge, *, changed: bool) -> ZygoteLauncher | None:
        for _ in range(MOST_TRIES):
            environment = {**QUIET, **charge.environment}
            zygote = ZygoteLauncher(self._run, environment, changed=changed, log=self._folder / "log")
            answer = zygote.load(self.modules or [])
            if answer is not None and answer["unsafe"] is None:
                return zygote
            zygote.close()
            if answer is None:
                self.why_plain = (
                    f"the process that loads its modules ended:\n{indented_tail(self._folder / 'log')}"
                )
                return None
            self._unsafe.add(answer["unsafe"].partition(".")[0])
        self.why_plain = (
            f"too many of its modules start threads when they are loaded: {sorted(self._unsafe - UNSAFE)}"
        )
        return None

    def close(self) -> None:
        """End the zygotes; safe to call twice."""
        for zygote in self._zygotes.values():
            zygote.close()


def program_of(command: tuple[str, ...]) -> dict[str, Any] | None:
    """Return what a command line is in a Python that runs already; none where it is something else."""
    if len(command) < 2 or command[0] != sys.executable:
        return None
    if command[1] == "-m" and len(command) > 2:
        return {"module": command[2], "arguments": list(command[3:])}
    if not command[1].startswith("-") and command[1].endswith(".py"):
        return {"script": command[1], "arguments": list(command[2:])}
    return None


def _fixed(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that only a fresh interpreter reads."""
    return {
        name: value
        for name, value in environment.items()
        if name == "LANG" or (name.startswith(AT_START) and name != "PYTHONPATH")
    }


def _customized(path: str) -> Path | None:
    for folder in filter(None, path.split(os.pathsep)):
        for name in ("sitecustomize.py", "usercustomize.py"):
            file = Path(folder) / name
            if file.exists() and file.parent.name != "bootstrap":
                return file
    return None


class ZygoteLauncher:
    """A zygote, as something that starts workloads.

    Args:
        run: whose end ends it.
        environment: its own; each fork is given another.
        changed: whether forks may be changed inside.
        log: the file that takes what it complains about.
    """

    def __init__(self, run: RunFolder, environment: Mapping[str, str], *, changed: bool, log: Path) -> None:
        self._run = run
        self._changed = changed
        self._lock = threading.Lock()
        ours = {
            name: value
            for name, value in environment.items()
            if name not in {"PYTHONPATH", "RESILIENCE_INSIDE"}
        }
        self._control, theirs = socket.socketpair()
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with theirs, os.fdopen(descriptor, "wb") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, str(ZYGOTE), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                pass_fds=[theirs.fileno()],
                env=ours,
                cwd="/",
                start_new_session=True,
            )
        run.guardians.append(self._process)

    @property
    def alive(self) -> bool:
        """Whether it can still fork."""
        return self._process.poll() is None

    def load(self, modules: list[str]) -> dict[str, Any] | None:
        """Have it load modules; return what failed, none where it ended."""
        owners = sorted({os.getpid(), self._run.owner})
        self._control.settimeout(LOADING)
        with contextlib.suppress(OSError):
            send(self._control, {"modules": modules, "owners": owners, "dormant": self._changed})
            return receive(self._control)
        return None

    def launch(self, charge: Charge, theirs: socket.socket) -> int:  # noqa: ARG002 - it follows on the socket
        """Fork a supervisor."""
        with self._lock:
            socket.send_fds(self._control, [b"."], [theirs.fileno()])
            answer = receive(self._control)
        if answer is None:
            raise ConnectionResetError("the prepared process ended")
        return int(answer["pid"])

    def gone(self, pid: int) -> None:
        """Leave a supervisor's end to the zygote, its parent."""

    def close(self) -> None:
        """End it, and what it forked; safe to call twice."""
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING)
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(ValueError):
            self._run.guardians.remove(self._process)
