"""The zygote: a Python that has loaded third-party modules once, and forks a workload with them at each request.

Run as a script with the number of a control socket. Its first message says which modules to load; then each message
comes with a workload's control socket. The fork becomes that workload's supervisor and forks once more, into what
`fresh_start` makes of it. Standard library only.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 0.5
"""Seconds after which forks that have ended are reaped."""

Main = Callable[[], None]


def main(control: socket.socket) -> Main | None:
    """Load the modules, then serve until the control socket is closed; in a workload, return what it has to run."""
    sys.path[:] = [path for path in sys.path if path not in {str(HERE), ""}]
    supervisor, start = by_file("supervisor"), by_file("fresh_start")
    order = supervisor.receive(control)
    if order is None:
        return None
    if order["dormant"]:
        start.load_inside().install_all()
    supervisor.send(control, load(order["modules"]))
    gc.collect()
    gc.freeze()  # what is loaded stays in pages that the forks share
    return Zygote(control, order["owners"], supervisor, start).serve()


def by_file(name: str) -> Any:
    """Load a neighbour by its file, so that nothing of ours is on the path or has a common name."""
    spec = spec_from_file_location(f"_resilience_{name}", HERE / f"{name}.py")
    module = module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def load(modules: list[str]) -> dict[str, Any]:
    """Import modules; return those that failed, and the first that left a thread behind, which no fork survives."""
    failed = []
    for name in modules:
        before = _threads()
        try:
            importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001 - the workload will meet it, or not
            failed.append(f"{name}: {type(error).__name__}")
        if _threads() > before:
            return {"failed": failed, "unsafe": name}
    return {"failed": failed, "unsafe": None}


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208
    except OSError:
        return 1


class Zygote:
    """The loop that forks.

    Args:
        control: where requests come from.
        owners: processes whose end ends this one.
        supervisor, start: the modules of these names.
    """

    def __init__(self, control: socket.socket, owners: list[int], supervisor: Any, start: Any) -> None:
        self._control = control
        self._supervisor = supervisor
        self._start = start
        self._path = list(sys.path)
        self._owners: list[int] = []
        for pid in owners:
            with contextlib.suppress(OSError, AttributeError):
                self._owners.append(os.pidfd_open(pid))

    def serve(self) -> Main | None:
        """Fork at each request; return at the end, and in a workload with what it has to run."""
        watched: list[Any] = [self._control, *self._owners]
        while True:
            ready = select.select(watched, [], [], PATIENCE)[0]
            self._reap()
            if any(each is not self._control for each in ready):
                return None
            if ready:
                data, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
                if not data or not descriptors:
                    return None
                if self._fork(descriptors[0]):
                    return self._supervise(socket.socket(fileno=descriptors[0]))

    @staticmethod
    def _reap() -> None:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def _fork(self, descriptor: int) -> bool:
        """Fork; return whether this is the child."""
        pid = os.fork()
        if pid:
            os.close(descriptor)
            self._supervisor.send(self._control, {"pid": pid})
            return False
        self._control.close()
        os.setsid()
        self._supervisor.die_with_parent(signal.SIGTERM)
        return True

    def _supervise(self, control: socket.socket) -> Main:
        """Be a supervisor, which never returns; in its child return what that has to run."""
        with control:
            charge = self._supervisor.receive(control)
            if charge is None:
                os._exit(0)
            try:
                self._supervisor.supervise(charge, control, _fork_once_more)
            except Forked as fork:
                done = fork.done
            else:
                os._exit(0)
        self._supervisor.die_with_parent()
        return self._start.become(charge, self._path, done)  # type: ignore[no-any-return]


class Forked(BaseException):
    """Leave the supervisor's code, in the process that is to be the workload.

    Args:
        done: the pipe that takes what went wrong, and is closed once the process is what it has to be.
    """

    def __init__(self, done: int) -> None:
        self.done = done


def _fork_once_more(_charge: dict[str, Any]) -> int:
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        raise Forked(done)
    os.close(done)
    with os.fdopen(ready, "rb") as answer:
        problem = answer.read().decode()
    if problem:
        number, name = problem.split(" ", 1)
        os.waitpid(pid, 0)
        raise OSError(int(number), os.strerror(int(number)), name)
    return pid


if __name__ == "__main__":
    _run_this = main(socket.socket(fileno=int(sys.argv[1])))
    if _run_this is not None:
        sys.modules["_resilience_fresh_start"].run_to_the_end(_run_this)
