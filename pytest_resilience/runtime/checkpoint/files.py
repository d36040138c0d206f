"""The files of one operation: its checkpoint, and verified copies of the last two beside it.

    ingest.json                  what the caller saved, and nothing else
    ingest.json.7.<checksum>     the same file under a second name (a hard link), which carries its checksum
    ingest.json.6.<checksum>     the one before it
    ingest.json.lease            locked by the process that writes

A checkpoint is good when its bytes have the checksum that the name of one of the copies says. Because the
checksum is a name, one flush of the folder makes file and checksum durable together, and there is no moment
at which a crash leaves them apart: whoever reads finds the previous checkpoint or the new one.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pytest_resilience.errors import CheckpointDamagedError
from pytest_resilience.runtime.checkpoint.lease import Lease
from pytest_resilience.runtime.checkpoint.store import (
    CheckpointRefusedError,
    State,
    checksum,
    decoded,
    same_file_name,
)

logger = logging.getLogger(__name__)

NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
COPIES_KEPT = 2
_COPY = re.compile(r"\.(\d+)\.([0-9a-f]{32})")


@dataclass(frozen=True, slots=True, order=True)
class Copy:
    """A second name of a saved checkpoint."""

    version: int
    checksum: str
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was read: the state, its version, and what is wrong with the file that should have held it."""

    state: State
    version: int
    damage: str | None = None


class CheckpointFiles:
    """The files of one operation in one folder."""

    def __init__(self, folder: Path, operation_id: str) -> None:
        self.folder = folder
        self.operation_id = operation_id
        self.main = folder / f"{operation_id}.json"
        self.lease = folder / f"{operation_id}.json.lease"
        self._temporary = folder / f"{operation_id}.json.tmp"

    def read(self) -> Found | None:
        """Return the last good checkpoint, or None when there is no checkpoint.

        A writer may be at work in another process, so a mismatch counts only if the folder stood still.

        Raises:
            CheckpointDamagedError: there is one, and no copy of it is intact.
        """
        while True:
            copies = self.copies()
            try:
                found = self._judged(copies)
            except (CheckpointDamagedError, FileNotFoundError):
                if copies == self.copies():
                    raise
            else:
                if found is None or found.damage is None or copies == self.copies():
                    return found

    def write(self, data: bytes, lease: Lease) -> None:
        """Put the bytes in the place of the last checkpoint, durably and at one stroke."""
        version = lease.version + 1
        copy = f"{self.main.name}.{version}.{checksum(data)}"
        try:
            _write_durably(self._temporary, data)
            if lease.copies:
                self._give_second_name(self._temporary, copy, data)
                self._temporary.replace(self.main)
            else:  # a copy without its file would look like a lost checkpoint, the other way round like none yet
                self._temporary.replace(self.main)
                self._give_second_name(self.main, copy, data)
        except BaseException:
            self._temporary.unlink(missing_ok=True)
            if not self._is_current(copy):
                (self.folder / copy).unlink(missing_ok=True)
            raise
        lease.version = version
        lease.copies.append(copy)
        flush_folder(self.folder)
        while len(lease.copies) > COPIES_KEPT:
            (self.folder / lease.copies.pop(0)).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the copies before the file itself: a crash then leaves a checkpoint, not a damaged one."""
        for copy in self.copies():
            (self.folder / copy.name).unlink(missing_ok=True)
        self._temporary.unlink(missing_ok=True)
        self.main.unlink(missing_ok=True)
        flush_folder(self.folder)

    def exist(self) -> bool:
        """Tell whether there is anything to remove."""
        return self.main.exists() or bool(self.copies())

    def copies(self) -> list[Copy]:
        """Return the copies, newest first."""
        found = []
        for name in self._names():
            match = _COPY.fullmatch(name.removeprefix(self.main.name)) if self._is_ours(name) else None
            if match:
                found.append(Copy(int(match[1]), match[2], name))
        return sorted(found, reverse=True)

    def newest_version(self) -> int:
        """Return the version of the newest copy, 0 when there is none."""
        return max((copy.version for copy in self.copies()), default=0)

    def refuse_a_twin(self) -> None:
        """Refuse an id that some file systems could not tell from another one's."""
        for name in self._names():
            if name != self.main.name and same_file_name(name, self.main.name):
                raise CheckpointRefusedError(
                    f"operation id {self.operation_id!r} differs only in case or accents from that of "
                    f"{name!r} in {self.folder}, and some file systems take the two for one; choose "
                    "another id"
                )

    def tidy(self, lease: Lease) -> None:
        """Clear what crashes left behind, and keep the last good copy, whatever is saved from now on."""
        self._temporary.unlink(missing_ok=True)
        copies = self.copies()
        lease.version = self.newest_version()
        lease.copies = [copy.name for copy in copies if self._is_good(copy)][:1]
        for copy in copies:
            if copy.name not in lease.copies:
                (self.folder / copy.name).unlink(missing_ok=True)

    def _names(self) -> list[str]:
        return os.listdir(self.folder)  # noqa: PTH208 - names, not paths

    def _is_ours(self, name: str) -> bool:
        return name.startswith(self.main.name)

    def _is_good(self, copy: Copy) -> bool:
        return checksum(_content(self.folder / copy.name)) == copy.checksum

    def _is_current(self, copy: str) -> bool:
        return self.main.exists() and checksum(_content(self.main)) == copy.rpartition(".")[2]

    def _give_second_name(self, path: Path, copy: str, data: bytes) -> None:
        try:
            os.link(path, self.folder / copy)
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
            _write_durably(self.folder / copy, data)

    def _judged(self, copies: list[Copy]) -> Found | None:
        try:
            data = _content(self.main)
        except FileNotFoundError:
            if not copies:
                return None
            raise self._damaged(
                f"the file is gone, and copies of it are here. To go on, copy {copies[0].name} to it"
            ) from None
        digest = checksum(data)
        for copy in copies:
            if copy.checksum == digest:
                return Found(decoded(data), copy.version)
        return self._last_good(copies) if copies else self._unverified(data)

    def _last_good(self, copies: list[Copy]) -> Found:
        for copy in copies:
            data = _content(self.folder / copy.name)
            if checksum(data) == copy.checksum:
                return Found(decoded(data), copy.version, "its bytes do not have its checksum")
        raise self._damaged("its bytes do not have its checksum, and neither do those of its copies")

    def _unverified(self, data: bytes) -> Found:
        try:
            state = decoded(data)
        except ValueError as error:
            raise self._damaged(f"it is no JSON object ({error}), and there is no copy of it") from error
        logger.warning("checkpoint %s has no checksum beside it; it is taken as it is", self.main)
        return Found(state, 0)

    def _damaged(self, why: str) -> CheckpointDamagedError:
        return CheckpointDamagedError(
            f"checkpoint {self.operation_id!r} in {self.main} is damaged: {why}. To start from the "
            "beginning, compare the target with its source, then call "
            f"delete_checkpoint({self.operation_id!r})"
        )


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can look into, durably; one that is there stays as it is."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        flush_folder(folder.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        rest = memoryview(data)
        while rest:
            rest = rest[stream.write(rest) :]
        os.fsync(descriptor)
