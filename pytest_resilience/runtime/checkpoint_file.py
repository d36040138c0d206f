"""Checkpoints as files: one plain JSON file an operation, and verified copies of the last two beside it.

    ingest.json                  what the caller saved, and nothing else
    ingest.json.7.<checksum>     the same file under a second name (a hard link) that carries its checksum
    ingest.json.6.<checksum>     the one before it
    ingest.json.lease            locked by the process that writes

A checkpoint is good when its bytes have the checksum that one of the copies' names says. Because the
checksum is a name, one flush of the folder makes file and checksum durable together, and there is no
moment at which a crash leaves them apart: the loader finds the previous checkpoint or the new one.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import weakref
from pathlib import Path

from pytest_resilience.errors import CheckpointDamagedError
from pytest_resilience.events import CheckpointDamageFound, Listener, tell
from pytest_resilience.runtime import checkpoint_lease
from pytest_resilience.runtime.checkpoint import (
    CheckpointRefusedError,
    State,
    checked_id,
    checksum,
    decoded,
    encoded,
    same_file_name,
)
from pytest_resilience.runtime.checkpoint_lease import Lease

logger = logging.getLogger(__name__)

NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


class CheckpointManager:
    """Keep the checkpoints of operations as files in one folder (policy §4).

    A file that was written by hand, with no copies beside it, is taken as it is, with a warning. A damaged
    one is never taken for "no checkpoint".

    Args:
        checkpoint_dir: the folder; it is made, for the owner alone, if it is not there.
        listeners: told when damage is found.
    """

    def __init__(
        self,
        checkpoint_dir: str | os.PathLike[str] = "./checkpoints",
        *,
        listeners: tuple[Listener, ...] = (),
    ) -> None:
        self.checkpoint_dir = Path(checkpoint_dir)
        self._folder = _made(self.checkpoint_dir.absolute())
        self._listeners = listeners
        self._seen: dict[str, int] = {}
        self._leases: dict[str, Lease] = {}
        weakref.finalize(self, _release_all, self._leases).atexit = False  # the kernel frees them at the end

    def save_checkpoint(self, operation_id: str, state: State) -> None:
        """Make `state` the operation's checkpoint; when this returns it survives a crash.

        Raises:
            CheckpointRefusedError: the id or the state cannot be kept; nothing was touched.
            CheckpointConflictError: another writer holds this checkpoint.
        """
        data = encoded(checked_id(operation_id), state)
        lease = self._lease(operation_id)
        _Files(self._folder, operation_id).write(data, lease)
        self._seen[operation_id] = lease.version

    def load_checkpoint(self, operation_id: str) -> State | None:
        """Return the operation's last good state, or None when it has no checkpoint.

        Raises:
            CheckpointDamagedError: there is a checkpoint, and no copy of it is intact.
        """
        files = _Files(self._folder, checked_id(operation_id))
        found = files.read()
        if found is None:
            self._seen[operation_id] = 0
            return None
        state, version, damaged = found
        self._seen[operation_id] = files.newest_version()
        if damaged is not None:
            self._tell(operation_id, damaged, version)
        return state

    def delete_checkpoint(self, operation_id: str) -> None:
        """Forget the operation; safe to call when it has no checkpoint.

        Raises:
            CheckpointConflictError: another process is writing this checkpoint.
        """
        files = _Files(self._folder, checked_id(operation_id))
        if not files.exist():
            return
        held = checkpoint_lease.lease_in_this_process(files.lease)
        lease = held or checkpoint_lease.acquire(files.lease, self, operation_id=operation_id)
        files.remove()
        lease.release(forget_file=True)
        self._leases.pop(operation_id, None)
        self._seen.pop(operation_id, None)

    def _lease(self, operation_id: str) -> Lease:
        files = _Files(self._folder, operation_id)
        held = checkpoint_lease.lease_in_this_process(files.lease)
        if held is not None:
            checkpoint_lease.take_over(
                held, self, seen=self._seen.get(operation_id), operation_id=operation_id
            )
            lease = held
        else:
            files.refuse_a_twin()
            lease = checkpoint_lease.acquire(files.lease, self, operation_id=operation_id)
            files.tidy(lease)
        self._leases[operation_id] = lease
        return lease

    def _tell(self, operation_id: str, why: str, version: int) -> None:
        logger.error(
            "checkpoint %r is damaged (%s); going on from the last good one, version %d in %s",
            operation_id,
            why,
            version,
            self._folder,
            extra={"operation": operation_id},
        )
        tell(self._listeners, CheckpointDamageFound(operation_id, why, version))


def _made(folder: Path) -> Path:
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        _flush_folder(folder.parent)
    return folder


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _release_all(leases: dict[str, Lease]) -> None:
    for lease in leases.values():
        if lease.owner() is None:  # otherwise somebody else has taken it over
            lease.release()


class _Files:
    """The files of one operation."""

    def __init__(self, folder: Path, operation_id: str) -> None:
        self.folder = folder
        self.operation_id = operation_id
        self.main = folder / f"{operation_id}.json"
        self.lease = folder / f"{operation_id}.json.lease"
        self._temporary = folder / f"{operation_id}.json.tmp"
        self._copy_name = re.compile(re.escape(self.main.name) + r"\.(\d+)\.([0-9a-f]{32})")

    def _names(self) -> list[str]:
        return os.listdir(self.folder)  # noqa: PTH208 - names, not paths

    def copies(self) -> list[tuple[int, str, str]]:
        """Return version, checksum and file name of the copies, newest first."""
        matches = map(self._copy_name.fullmatch, self._names())
        return sorted(((int(m[1]), m[2], m[0]) for m in matches if m), reverse=True)

    def newest_version(self) -> int:
        return max((version for version, _, _ in self.copies()), default=0)

    def exist(self) -> bool:
        return self.main.exists() or bool(self.copies())

    def refuse_a_twin(self) -> None:
        for name in self._names():
            if name != self.main.name and same_file_name(name, self.main.name):
                raise CheckpointRefusedError(
                    f"operation id {self.operation_id!r} differs only in case or accents from that "
                    f"of {name!r} in "
                    f"{self.folder}; some file systems would take them for one file: choose another id"
                )

    def tidy(self, lease: Lease) -> None:
        """Clear what a crash left behind; keep the last good copy, so that saving never drops it."""
        self._temporary.unlink(missing_ok=True)
        copies = self.copies()
        lease.version = copies[0][0] if copies else 0
        good = [name for _, digest, name in copies if checksum(_content(self.folder / name)) == digest]
        lease.copies = good[:1]
        for _, _, name in copies:
            if name not in lease.copies:
                (self.folder / name).unlink()

    def write(self, data: bytes, lease: Lease) -> None:
        version = lease.version + 1
        copy = f"{self.main.name}.{version}.{checksum(data)}"
        try:
            self._write_temporary(data)
            self._second_name(copy, data)
            self._temporary.replace(self.main)
        except BaseException:
            self._temporary.unlink(missing_ok=True)
            (self.folder / copy).unlink(missing_ok=True)
            raise
        _flush_folder(self.folder)
        lease.version = version
        lease.copies.append(copy)
        while len(lease.copies) > 2:
            (self.folder / lease.copies.pop(0)).unlink(missing_ok=True)

    def _write_temporary(self, data: bytes) -> None:
        _write_durably(self._temporary, data)

    def _second_name(self, copy: str, data: bytes) -> None:
        try:
            os.link(self._temporary, self.folder / copy)
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
            _write_durably(self.folder / copy, data)

    def read(self) -> tuple[State, int, str | None] | None:
        """Return the last good state, its version and what was found damaged; None when there is nothing.

        A writer may be at work in another process, so a mismatch counts only when the folder stood still.
        """
        while True:
            copies = self.copies()
            try:
                return self._judge(copies)
            except CheckpointDamagedError:
                if copies == self.copies():
                    raise

    def _judge(self, copies: list[tuple[int, str, str]]) -> tuple[State, int, str | None] | None:
        try:
            data = _content(self.main)
        except FileNotFoundError:
            if not copies:
                return None
            raise self._damaged(
                f"the file is gone, but copies of it are here; to start over call "
                f"delete_checkpoint({self.operation_id!r}), to go on copy {copies[0][2]} to {self.main.name}"
            ) from None
        digest = checksum(data)
        for version, expected, _ in copies:
            if digest == expected:
                return decoded(data), version, None
        if not copies:
            return self._unverified(data)
        for version, expected, name in copies:
            data = _content(self.folder / name)
            if checksum(data) == expected:
                return decoded(data), version, "its checksum does not match"
        raise self._damaged("its checksum does not match, and neither does that of any copy")

    def _unverified(self, data: bytes) -> tuple[State, int, str | None]:
        try:
            state = decoded(data)
        except ValueError as error:
            raise self._damaged(f"it is not a JSON object ({error}), and there is no copy of it") from error
        logger.warning("checkpoint %s has no checksum beside it; it is taken as it is", self.main)
        return state, 0, None

    def _damaged(self, why: str) -> CheckpointDamagedError:
        return CheckpointDamagedError(
            f"checkpoint {self.operation_id!r} in {self.main} is damaged: {why}. Restore the file, "
            f"or compare the "
            f"target with its source and call delete_checkpoint({self.operation_id!r}) to start "
            f"from the beginning"
        )

    def remove(self) -> None:
        """Remove the copies before the file itself: a crash then leaves a checkpoint, no damaged one."""
        for _, _, name in self.copies():
            (self.folder / name).unlink(missing_ok=True)
        self._temporary.unlink(missing_ok=True)
        self.main.unlink(missing_ok=True)
        _flush_folder(self.folder)


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)
