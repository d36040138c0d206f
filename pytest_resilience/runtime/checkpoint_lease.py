"""The right to write one file checkpoint: one process at a time, and in it one manager at a time.

Between processes the kernel decides: `flock` on a file beside the checkpoint, which it frees when the
process ends, however it ends. Inside a process a manager takes the lease over only if it has seen the
newest version, and the manager before it is fenced off: the version that it saw is old from then on.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import weakref
from dataclasses import dataclass, field
from pathlib import Path

from pytest_resilience.runtime.checkpoint import CheckpointConflictError


@dataclass(eq=False, slots=True)
class Lease:
    """A checkpoint that this process may write.

    Args:
        path: the lock file.
        descriptor: the open lock file; the lock is freed when it is closed.
        version: of the newest checkpoint, 0 if there is none.
        copies: the verified copies that are kept, newest last.
    """

    path: Path
    descriptor: int
    owner: weakref.ref[object]
    version: int = 0
    copies: list[str] = field(default_factory=list)

    def release(self, *, forget_file: bool = False) -> None:
        """Let others write; safe to call twice."""
        with _GUARD:
            if _HELD.get(self.path) is not self:
                return
            del _HELD[self.path]
            if forget_file:
                self.path.unlink(missing_ok=True)
            os.close(self.descriptor)


_HELD: dict[Path, Lease] = {}
_GUARD = threading.RLock()  # a garbage-collected manager releases in whatever thread is running


def lease_in_this_process(path: Path) -> Lease | None:
    """Return the lease that some manager of this process holds."""
    return _HELD.get(path)


def take_over(lease: Lease, owner: object, *, seen: int | None, operation_id: str) -> bool:
    """Make `owner` the writer if it may be; return whether it is a new one.

    Args:
        lease: what this process holds.
        owner: the manager that wants to write.
        operation_id: for the message.
        seen: the version that the owner loaded or saved last, or None.

    Raises:
        CheckpointConflictError: another manager holds it and has written what `owner` has not seen.
    """
    with _GUARD:
        current = lease.owner()
        if current is owner:
            return False
        if current is not None and seen != lease.version:
            raise CheckpointConflictError(
                f"checkpoint {operation_id!r} belongs to another writer in this process (version "
                f"{lease.version}, "
                f"this one has seen {seen or 'none'}); load the checkpoint before saving to take it over"
            )
        lease.owner = weakref.ref(owner)
        return True


def acquire(path: Path, owner: object, *, operation_id: str) -> Lease:
    """Lock the checkpoint for this process.

    Raises:
        CheckpointConflictError: another process holds it.
    """
    descriptor = _locked(path)
    if descriptor is None:
        raise CheckpointConflictError(
            f"checkpoint {operation_id!r} is being written by {_holder(path)}; wait until it ends, "
            f"or end it first ({path})"
        )
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
    lease = Lease(path=path, descriptor=descriptor, owner=weakref.ref(owner))
    with _GUARD:
        _HELD[path] = lease
    return lease


def _locked(path: Path) -> int | None:
    """Return the locked file, which is still the one at `path`: who deletes a checkpoint unlinks it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        return f"process {holder['pid']} on {holder['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _forget_leases_of_the_parent() -> None:
    """Close inherited locks in a forked child: they stay the parent's."""
    global _GUARD  # noqa: PLW0603 - a thread that the child does not have may have held the lock
    _GUARD = threading.RLock()
    for lease in _HELD.values():
        os.close(lease.descriptor)
    _HELD.clear()


os.register_at_fork(after_in_child=_forget_leases_of_the_parent)
