"""An export whose checkpoint is damaged, has no room or cannot be written, and work that two do at once."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from icu_platform.export import OPERATION, export_stays
from icu_platform.ingestion_agent import DataIngestionAgent
from pytest_resilience import (
    CheckpointConflictError,
    CheckpointDamagedError,
    CheckpointManager,
    FatalError,
    RetryableError,
)
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.runtime.ingestion import history

Ask = Callable[[str], list[tuple[Any, ...]]]
PAGE = 1_000

pytestmark = pytest.mark.chaos(proves=["checkpoints"])


@pytest.fixture
def export(warehouse: PostgresHandle, stays: Path, tmp_path: Path) -> Callable[..., bytes]:
    """Export 5,000 stays with checkpoints in a folder, and return what is in the file."""
    agent = DataIngestionAgent(warehouse.direct_dsn)
    assert agent.execute({"source_file": stays, "target_table": "raw.icustays"}).is_success()

    def run(folder: Path, name: str = "export.csv") -> bytes:
        export_stays(warehouse.dsn, tmp_path / name, CheckpointManager(folder), page_size=PAGE)
        return (tmp_path / name).read_bytes()

    return run


@pytest.fixture
def undisturbed(export: Callable[..., bytes], tmp_path: Path) -> bytes:
    """What an export that nothing disturbs writes."""
    return export(tmp_path / "undisturbed", "undisturbed.csv")


def _interrupted(warehouse: PostgresHandle, export: Callable[..., bytes], folder: Path) -> None:
    """Lose the database at the fourth page."""
    with warehouse.at(sql="from raw.icustays", nth=4).cut(), pytest.raises(RetryableError):
        export(folder)


def _flip(file: Path) -> None:
    """Make other numbers of the digits in a file, which reads as well as before."""
    file.write_bytes(bytes(byte ^ 1 if 48 <= byte <= 57 else byte for byte in file.read_bytes()))


def test_damaged_checkpoint_is_not_trusted(
    warehouse: PostgresHandle, export: Callable[..., bytes], undisturbed: bytes, tmp_path: Path
) -> None:
    """The version before it is used, so that one page is written again, and the file is whole."""
    _interrupted(warehouse, export, tmp_path / "kept")
    _flip(tmp_path / "kept" / f"{OPERATION}.json")

    assert export(tmp_path / "kept") == undisturbed


def test_no_intact_checkpoint_is_not_taken_for_none(
    warehouse: PostgresHandle, export: Callable[..., bytes], undisturbed: bytes, tmp_path: Path
) -> None:
    """With all copies damaged the export refuses to guess, and leaves the file as it was."""
    _interrupted(warehouse, export, tmp_path / "kept")
    before = (tmp_path / "export.csv").read_bytes()
    names = (tmp_path / "kept").glob(f"{OPERATION}.json*")
    for file in {name.stat().st_ino: name for name in names}.values():  # two names may be one file
        _flip(file)

    with pytest.raises(CheckpointDamagedError):
        export(tmp_path / "kept")
    assert (tmp_path / "export.csv").read_bytes() == before
    assert undisturbed.startswith(before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["/bin/umount", "--lazy", str(place)], check=True)


def test_no_room_for_a_checkpoint(
    warehouse: PostgresHandle,
    export: Callable[..., bytes],
    undisturbed: bytes,
    small_disk: Path,
) -> None:
    """A full disk is an error that may pass; when there is room again the export goes on where it was."""
    _interrupted(warehouse, export, small_disk / "kept")
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(b"x" * 100_000)

    with pytest.raises(RetryableError, match=r"No space left.*free some space"):
        export(small_disk / "kept")
    filler.unlink()

    assert export(small_disk / "kept") == undisturbed


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Return a function that shows a folder as it would be on a disk that went read-only."""
    view = tmp_path / "view"
    view.mkdir()

    def show(folder: Path) -> Path:
        bind = ["/bin/mount", "--bind", str(folder), str(view)]
        if subprocess.run(bind, check=False, capture_output=True).returncode != 0:
            pytest.skip("to show a folder read-only needs root")
        subprocess.run(["/bin/mount", "-o", "remount,bind,ro", str(view)], check=True)
        return view

    yield show
    subprocess.run(["/bin/umount", "--lazy", str(view)], check=False, capture_output=True)


def test_checkpoints_on_a_read_only_disk(
    warehouse: PostgresHandle,
    export: Callable[..., bytes],
    undisturbed: bytes,
    read_only: Callable[[Path], Path],
    tmp_path: Path,
) -> None:
    """A disk that went read-only ends the export with the folder's name; when it can be written, it goes on."""
    _interrupted(warehouse, export, tmp_path / "kept")
    view = read_only(tmp_path / "kept")

    with pytest.raises(FatalError, match=f"{view}.*Read-only file system"):
        export(view)

    assert export(tmp_path / "kept") == undisturbed


def test_second_writer_is_refused(
    warehouse: PostgresHandle, ask: Ask, stays: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one agent ingests a file another one is refused, and no stay is lost or doubled."""
    monkeypatch.setattr(history, "PATIENCE", 1)
    task = {"source_file": stays, "target_table": "raw.icustays"}
    results = []
    first = threading.Thread(
        target=lambda: results.append(DataIngestionAgent(warehouse.dsn, batch_size=PAGE).execute(task))
    )

    with warehouse.at("CopyDone", nth=2).hang(keep=True) as held:
        first.start()
        while not held.fired:
            assert first.is_alive()
        second = DataIngestionAgent(warehouse.direct_dsn, batch_size=PAGE).execute(task)
    first.join()

    assert isinstance(second.error, CheckpointConflictError)
    assert [result.is_success() for result in results] == [True]
    counted = "select count(*), count(distinct stay_id) from raw.icustays where stay_id >= 30000000"
    assert ask(counted) == [(5_000, 5_000)]
