"""The guardian: a small process that runs one command and sees to it that nothing of it outlives its owner.

Run as a script with one argument, the JSON of a charge (see `main`). It ends the command, and all that
the command started, when SIGTERM tells it so or when the owner dies, whatever killed it. It exits with the
command's status, 128 + N where signal N ended it. Standard library only, so that it starts quickly.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_CHILD_SUBREAPER = 36
OWNER_POLL = 0.25


def main(charge: dict[str, Any]) -> int:
    """Guard one command until it ends, the owner dies or SIGTERM comes.

    Args:
        charge: `command` (list), `owner` (process id), `log` (file that takes both output streams), `cwd`,
            `user` and `group` (ids, or null), `stop_signal`, `grace` (seconds until SIGKILL) and `remove`
            (the run's folder, which goes should the owner die).
    """
    wake = _wake_on(signal.SIGCHLD, signal.SIGTERM)
    _adopt_orphans()
    owner = _watch_owner(charge["owner"])
    child = _start(charge)
    owner_died = _wait(child, wake, owner, charge["owner"])
    status = _end(child, charge["stop_signal"], charge["grace"])
    _end_orphans()
    if owner_died and charge["remove"]:
        shutil.rmtree(charge["remove"], ignore_errors=True)
    return status if status >= 0 else 128 - status


def _start(charge: dict[str, Any]) -> subprocess.Popen[bytes]:
    descriptor = os.open(charge["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as log:
        return subprocess.Popen(
            charge["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=charge["cwd"],
            user=charge["user"],
            group=charge["group"],
            extra_groups=[] if charge["user"] is not None else None,
            start_new_session=True,
        )


def _wake_on(*signals: signal.Signals) -> socket.socket:
    """Return a socket that turns readable when one of the signals came; Ctrl-C is the owner's business."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    for number in signals:
        signal.signal(number, _note if number == signal.SIGTERM else _ignore)
    signal.signal(signal.SIGINT, _ignore)  # a handler and not SIG_IGN, which the command would inherit
    return reader


_told_to_stop = False


def _note(_number: int, _frame: object) -> None:
    global _told_to_stop  # noqa: PLW0603 - a signal handler has no other place to leave word
    _told_to_stop = True


def _ignore(_number: int, _frame: object) -> None:
    """Let the wake-up socket speak."""


def _watch_owner(pid: int) -> int | None:
    """Return a descriptor that turns readable when the owner dies; none on platforms without one."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return os.open(os.devnull, os.O_RDONLY)  # readable at once: the owner is gone already
    except (AttributeError, OSError):
        return None


def _adopt_orphans() -> None:
    """Become the parent of grandchildren whose own parent ends, so that none is out of reach (Linux)."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - some 10 ms of start-up, on Linux alone

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait(child: subprocess.Popen[bytes], wake: socket.socket, owner: int | None, owner_pid: int) -> bool:
    """Wait for the first of the three ends; say whether it was the owner's death."""
    watched: list[Any] = [wake] if owner is None else [wake, owner]
    while child.poll() is None and not _told_to_stop:
        ready = select.select(watched, [], [], OWNER_POLL if owner is None else None)[0]
        if owner in ready or (owner is None and not _alive(owner_pid)):
            return True
        if wake in ready:
            wake.recv(4096)
    return owner is not None and bool(select.select([owner], [], [], 0)[0])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _end(child: subprocess.Popen[bytes], stop_signal: int, grace: float) -> int:
    """End the command's process group: politely first, then not."""
    _signal_group(child.pid, stop_signal)
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        _signal_group(child.pid, signal.SIGKILL)
    status = child.wait()
    _signal_group(child.pid, signal.SIGKILL)
    return status


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end_orphans() -> None:
    """Kill what the command left behind in sessions of its own, until no child is left."""
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
        time.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
