"""The right to write one file checkpoint: one process at a time, and in it one manager at a time.

Between processes the kernel decides: `flock` on a file beside the checkpoint, which it frees when the process
ends, however it ends. Inside a process a manager takes the lease over only if it has seen the newest
version, and the manager before it is fenced off: the version that it saw is old from then on.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pytest_resilience.runtime.checkpoint.store import CheckpointConflictError


@dataclass(eq=False, slots=True)
class Lease:
    """A checkpoint that this process may write.

    Args:
        path: the lock file.
        descriptor: the open lock file; the lock is freed when it is closed.
        owner: the manager that writes.
        version: of the newest checkpoint, 0 if there is none.
        copies: names of the good copies, newest last.
        writing: held during a save, for managers that threads share.
        is_written: whether a save is under way.
    """

    path: Path
    descriptor: int
    owner: weakref.ref[object]
    version: int = 0
    copies: list[str] = field(default_factory=list)
    writing: threading.RLock = field(default_factory=threading.RLock)
    is_written: bool = False

    @contextmanager
    def written(self, operation_id: str) -> Iterator[None]:
        """Let no other thread write while the block runs.

        Raises:
            CheckpointConflictError: this very thread is writing: a signal handler has come in the middle.
        """
        with self.writing:
            if self.is_written:
                raise CheckpointConflictError(
                    f"checkpoint {operation_id!r} is being written by this very thread, and a signal handler came in "
                    "the middle: let the handler set a flag, and save after the step that is under way"
                )
            self.is_written = True
            try:
                yield
            finally:
                self.is_written = False

    def hand_over(self, owner: object, *, seen: int | None, operation_id: str) -> None:
        """Make another manager of this process the writer.

        Args:
            owner: the manager that wants to write.
            seen: the version that it loaded or saved last, or None.
            operation_id: for the message.

        Raises:
            CheckpointConflictError: the present owner is at work, and has written what `owner` has not seen.
        """
        with _guard:
            present = self.owner()
            if present is not None and present is not owner and seen != self.version:
                raise CheckpointConflictError(
                    f"checkpoint {operation_id!r} belongs to another writer in this process, which has "
                    f"written version {self.version}, and this one has seen {seen or 'none'}; "
                    "load the checkpoint before saving, to take it over"
                )
            self.owner = weakref.ref(owner)

    def release(self, *, with_file: bool = False) -> None:
        """Let other processes write; safe to call twice."""
        with _guard:
            if _held.get(self.path) is not self:
                return
            del _held[self.path]
            if with_file:
                self.path.unlink(missing_ok=True)
            os.close(self.descriptor)


_held: dict[Path, Lease] = {}
_guard = threading.RLock()  # re-entrant: a manager may be garbage-collected inside


def held_here(path: Path) -> Lease | None:
    """Return the lease that a manager of this process holds."""
    return _held.get(path)


def take(
    path: Path, owner: object, *, seen: int | None, operation_id: str, prepare: Callable[[Lease], None]
) -> Lease:
    """Make `owner` the one writer of a checkpoint.

    Args:
        path: the lock file.
        owner: the manager that wants to write.
        seen: the version that it loaded or saved last, or None.
        operation_id: for the messages.
        prepare: is given a lease that is new to this process, before anybody else sees it.

    Raises:
        CheckpointConflictError: another process, or another manager of this one, holds it, or has written since.
    """
    with _guard:
        held = _held.get(path)
        if held is not None:
            held.hand_over(owner, seen=seen, operation_id=operation_id)
            return held
        lease = _held[path] = _acquired(path, owner, operation_id)
        try:
            prepare(lease)
            _refuse_who_has_not_seen(lease, seen, operation_id)
        except BaseException:
            lease.release(with_file=True)
            raise
        return lease


def _refuse_who_has_not_seen(lease: Lease, seen: int | None, operation_id: str) -> None:
    if seen is not None and seen < lease.version:
        raise CheckpointConflictError(
            f"checkpoint {operation_id!r} was moved on by another process, which has written version {lease.version}, "
            f"and this one has seen {seen}; load the checkpoint before saving"
        )


def _acquired(path: Path, owner: object, operation_id: str) -> Lease:
    descriptor = _locked(path)
    if descriptor is None:
        raise CheckpointConflictError(
            f"checkpoint {operation_id!r} is being written by {_holder(path)}; "
            f"wait until that has ended, or end it ({path})"
        )
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
    return Lease(path=path, descriptor=descriptor, owner=weakref.ref(owner))


def _locked(path: Path) -> int | None:
    """Return the locked file, which is still the one at `path`: deleting a checkpoint removes it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            pass
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


def _forget_the_parents_leases() -> None:
    """Close inherited locks in a forked child: they stay the parent's."""
    global _guard  # noqa: PLW0603 - a thread that the child does not have may have held the lock
    _guard = threading.RLock()
    for lease in _held.values():
        os.close(lease.descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_forget_the_parents_leases)
