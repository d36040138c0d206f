"""The supervisor: the small process above each workload, which adopts its orphans and outlives none of its owners.

Run as a script with the number of a control socket; its charge comes as the first message there (see `supervise`),
since an environment may hold secrets and other users can read command lines. Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LENGTH = struct.Struct("!Q")
OWNER_POLL = 0.25

Start = Callable[[dict[str, Any]], int]


def receive(stream: socket.socket) -> dict[str, Any] | None:
    """Return the next message of a socket, none at its end."""
    head = _exactly(stream, LENGTH.size)
    body = None if head is None else _exactly(stream, LENGTH.unpack(head)[0])
    return None if body is None else dict(json.loads(body))


def send(stream: socket.socket, message: dict[str, Any]) -> None:
    """Send a message: its length, then JSON."""
    body = json.dumps(message).encode()
    stream.sendall(LENGTH.pack(len(body)) + body)


def _exactly(stream: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = stream.recv(count - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def supervise(charge: dict[str, Any], control: socket.socket, start: Start) -> None:
    """Start a workload and stay above it until the control socket is closed or an owner dies; then end all of it.

    Args:
        charge: `command`, `cwd`, `env`, `stdout`, `stderr` (files) and `owners` (process ids).
        control: takes `started` or `failed`, and `ended` with the status and CLOCK_MONOTONIC's time.
        start: starts the charge and returns the process id.
    """
    owners = [watch for pid in charge["owners"] if (watch := _watch(pid)) is not None]
    with _wake_on(signal.SIGCHLD, signal.SIGTERM) as wake:
        adopt_orphans()
        try:
            main = start(charge)
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None) or errno.EINVAL
            name = getattr(error, "filename", None)
            send(
                control, {"failed": [number, str(getattr(error, "strerror", None) or error), str(name or "")]}
            )
            return
        with contextlib.suppress(OSError):
            send(control, {"started": main})
            _stay(main, control, wake, owners, charge["owners"])
        _end_all()


def _stay(main: int, control: socket.socket, wake: socket.socket, owners: list[int], pids: list[int]) -> None:
    while not _told_to_stop and (owners or all(map(_alive, pids))):
        watched: list[Any] = [control, wake, *owners]
        ready = select.select(watched, [], [], None if owners else OWNER_POLL)[0]
        if control in ready or any(owner in ready for owner in owners):
            return
        if wake in ready:
            wake.recv(4096)
            _reap(main, control)


def _reap(main: int, control: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if pid == main:
                code = os.waitstatus_to_exitcode(status)
                send(control, {"ended": code if code >= 0 else 128 - code, "at": time.monotonic()})


def execute(charge: dict[str, Any]) -> int:
    """Start the command of a charge in a session of its own."""
    with _output(charge["stdout"]) as stdout, _output(charge["stderr"]) as stderr:
        process = subprocess.Popen(
            charge["command"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=charge["cwd"],
            env=charge["env"],
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - this process has one thread
        )
    process.returncode = 0  # its status is reaped here, not by subprocess
    return process.pid


def _output(path: str) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel signal this process should its parent be killed; and let Ctrl-C be what it always is."""
    _prctl(PR_SET_PDEATHSIG, number)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose own parent ends, so that none is out of reach (Linux)."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)


def _load_libc() -> Any:
    if sys.platform != "linux":
        return None
    import ctypes  # noqa: PLC0415 - on Linux alone

    return ctypes.CDLL(None)


_libc = _load_libc()
_told_to_stop = False


def _wake_on(*signals: signal.Signals) -> socket.socket:
    """Return a socket that turns readable when one of the signals came; Ctrl-C is the owner's business."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    for number in signals:
        signal.signal(number, _note)
    signal.signal(signal.SIGINT, _note)
    return reader


def _note(number: int, _frame: object) -> None:
    global _told_to_stop  # noqa: PLW0603 - a signal handler has no other place to leave word
    _told_to_stop = _told_to_stop or number == signal.SIGTERM


def _watch(pid: int) -> int | None:
    """Return a descriptor that turns readable when a process dies; none on platforms without one."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return os.open(os.devnull, os.O_RDONLY)  # readable at once: it is gone already
    except (AttributeError, OSError):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _end_all() -> None:
    """Kill children, and theirs as they become ours, until none is left."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    while listing.exists():
        for pid in listing.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as _control:
        _charge = receive(_control)
        if _charge is not None:
            supervise(_charge, _control, execute)
