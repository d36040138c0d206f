"""Checkpoints as files: `CheckpointManager`, the policy's own store."""

from __future__ import annotations

import errno
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.events import CheckpointDamageFound, Listener, tell
from pytest_resilience.runtime.checkpoint.files import CheckpointFiles, make_folder
from pytest_resilience.runtime.checkpoint.lease import Lease, held_here, take
from pytest_resilience.runtime.checkpoint.store import State, checked_id, encoded
from pytest_resilience.runtime.listeners import standard_listeners

PASSING = ("ENOSPC", "EDQUOT", "EAGAIN", "EINTR", "EMFILE", "ENFILE", "EBUSY", "ESTALE", "ETIMEDOUT")


class CheckpointManager:
    """Keep the checkpoints of operations as files in one folder (policy §4).

    A saved checkpoint survives a crash. A damaged one is never taken for "no checkpoint": the last good one
    is used, and that is said. A file that was put there by hand, with no copies beside it, is taken as it
    is, with a warning. Whoever saves an operation holds it until it is deleted or the manager is gone;
    another process is refused, and so is another manager of this process that has not loaded the newest
    version.

    Args:
        checkpoint_dir: the folder; it is made, for its owner alone, if it is not there.
        listeners: told when damage is found; default: the standard library's logging.

    Raises:
        FatalError: the folder cannot be made.
    """

    def __init__(
        self,
        checkpoint_dir: str | os.PathLike[str] = "./checkpoints",
        *,
        listeners: tuple[Listener, ...] | None = None,
    ) -> None:
        self.checkpoint_dir = Path(checkpoint_dir)
        self._folder = self.checkpoint_dir.absolute()
        self._listeners = listeners
        self._seen: dict[str, int] = {}
        self._leases: dict[str, Lease] = {}
        with _explained(f"the checkpoint folder {self._folder} cannot be made"):
            make_folder(self._folder)
        weakref.finalize(self, _release, self._leases).atexit = False  # the kernel does it at the end

    def save_checkpoint(self, operation_id: str, state: State) -> None:
        """Make `state` the operation's checkpoint; when this returns it survives a crash.

        Args:
            operation_id: names the operation, and its file.
            state: a dict of what JSON knows; tuples come back as lists.

        Raises:
            CheckpointRefusedError: the id or the state cannot be kept; nothing was touched.
            CheckpointConflictError: another writer holds this checkpoint; nothing was touched.
            RetryableError: there is no room for it; the last one is still there.
            FatalError: the folder cannot be written.
        """
        data = encoded(checked_id(operation_id), state)
        files = CheckpointFiles(self._folder, operation_id)
        with _explained(f"checkpoint {operation_id!r} cannot be saved in {self._folder}"):
            lease = self._lease(files, seen=self._seen.get(operation_id))
            with lease.written(operation_id):
                files.write(data, lease)
            self._seen[operation_id] = lease.version

    def load_checkpoint(self, operation_id: str) -> State | None:
        """Return the operation's last good state, or None when it has no checkpoint.

        Raises:
            CheckpointDamagedError: there is a checkpoint, and no copy of it is intact.
        """
        files = CheckpointFiles(self._folder, checked_id(operation_id))
        with _explained(f"checkpoint {operation_id!r} cannot be read from {self._folder}"):
            held = held_here(files.lease)
            self._seen[operation_id] = held.version if held else files.newest_version()
            found = files.read()
            if found is None:
                return None
            if found.damage is not None:
                self._tell(files, found.damage, found.version)
        return found.state

    def delete_checkpoint(self, operation_id: str) -> None:
        """Forget the operation; safe to call when it has no checkpoint.

        Raises:
            CheckpointConflictError: another process holds this checkpoint.
        """
        files = CheckpointFiles(self._folder, checked_id(operation_id))
        with _explained(f"checkpoint {operation_id!r} cannot be deleted from {self._folder}"):
            if files.exist():
                lease = held_here(files.lease) or self._lease(files, seen=None)
                with lease.written(operation_id):
                    files.remove()
                    lease.release(with_file=True)
        self._leases.pop(operation_id, None)
        self._seen.pop(operation_id, None)

    def _lease(self, files: CheckpointFiles, *, seen: int | None) -> Lease:
        operation_id = files.operation_id

        def prepare(lease: Lease) -> None:
            files.refuse_a_twin()
            files.tidy(lease)

        lease = take(
            files.lease,
            self,
            seen=seen,
            operation_id=operation_id,
            prepare=prepare,
        )
        self._leases[operation_id] = lease
        return lease

    def _tell(self, files: CheckpointFiles, why: str, version: int) -> None:
        listeners = standard_listeners() if self._listeners is None else self._listeners
        tell(listeners, CheckpointDamageFound(files.operation_id, f"{files.main}: {why}", version))
        held = held_here(files.lease)
        if held is not None and held.owner() is self:
            with held.written(files.operation_id):
                files.tidy(held)


def _release(leases: dict[str, Lease]) -> None:
    for lease in leases.values():
        if lease.owner() is None:  # else another manager of this process has taken it over
            lease.release()


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn an error of the file system into one that says what failed and what to do."""
    try:
        yield
    except OSError as error:
        passing = errno.errorcode.get(error.errno or 0) in PASSING
        kind: Callable[[str], Exception] = RetryableError if passing else FatalError
        advice = "free some space and try again" if passing else "look at the folder and its permissions"
        if error.errno in {errno.EMFILE, errno.ENFILE}:
            advice = (
                "each checkpoint keeps a file open until it is deleted or its manager is gone: delete those of "
                "operations that have ended, or raise the limit (`ulimit -n`)"
            )
        raise kind(f"{what}: {error.strerror or error}; {advice}") from error
