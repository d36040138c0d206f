"""A save that is cut short anywhere leaves the previous checkpoint or the new one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_resilience import CheckpointManager, FatalError, RetryableError

KILLER = Path(__file__).with_name("kill_in_save.py")


def run_killer(folder, *saves_before):
    """Return what a prepared process saw at each kill: the loaded state, before and after one more save."""
    done = subprocess.run(
        [sys.executable, str(KILLER), str(folder), *map(str, saves_before)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("saves_before", [0, 1, 2, 5])
def test_killed_at_any_call_the_loader_finds_old_or_new(tmp_path, saves_before):
    """SIGKILL before and in the middle of each call that touches the disk; then the next process goes on."""
    old = {"step": saves_before} if saves_before else None
    new = {"step": saves_before + 1}

    kills = run_killer(tmp_path, saves_before)

    assert len(kills) >= 12
    assert {json.dumps(old), json.dumps(new)} == {json.dumps(kill["loaded"]) for kill in kills}
    assert all(kill["then"] == {"step": 99} for kill in kills)
    assert all(kill["files"] <= 4 for kill in kills)


def test_the_killer_catches_a_save_that_is_not_atomic(tmp_path):
    """The proof is worth something: a manager that writes its file in place is caught by it."""
    kills = run_killer(tmp_path, 3, "--planted")

    assert any(kill.get("loaded") not in ({"step": 3}, {"step": 4}) for kill in kills)


STRACE = shutil.which("strace")
CALLS = ("openat", "write", "fsync", "link", "rename", "unlink", "close", "flock", "ftruncate", "getdents64")


@pytest.mark.skipif(STRACE is None, reason="strace is not installed; test_killed_at_any_call covers the rest")
def test_killed_at_any_system_call_the_loader_finds_old_or_new(tmp_path):
    """The kernel kills the process at the n-th system call of each kind, as counted from its start."""
    script = tmp_path / "save.py"
    script.write_text(
        "import sys\n"
        "from pytest_resilience import CheckpointManager\n"
        "manager = CheckpointManager(sys.argv[1])\n"
        "print(flush=True)\n"
        "manager.save_checkpoint('ingest', {'step': 4})\n"
    )
    seen = set()
    for call in CALLS:
        total, first = _counted(call, script, tmp_path / "counting")
        for number in range(first, total + 1):
            folder = tmp_path / f"{call}-{number}"
            _three_saves(folder)
            inject = f"inject={call}:signal=SIGKILL:when={number}"
            done = _traced(["-e", f"trace={call}", "-e", inject], script, folder)
            assert done.returncode != 0
            seen.add(CheckpointManager(folder).load_checkpoint("ingest")["step"])
    assert {3, 4} == seen


def _three_saves(folder):
    manager = CheckpointManager(folder)
    for step in (1, 2, 3):
        manager.save_checkpoint("ingest", {"step": step})


def _counted(call, script, folder):
    """Return how many such calls the script makes, and which is the first one of the save."""
    shutil.rmtree(folder, ignore_errors=True)
    _three_saves(folder)
    done = _traced(["-e", f"trace={call},write", "-y"], script, folder)
    lines = done.stderr.splitlines()
    mark = next(n for n, line in enumerate(lines) if line.startswith("write(1<") and '"\\n"' in line)
    count = [n for n, line in enumerate(lines) if line.startswith(f"{call}(")]
    return len(count), 1 + sum(n <= mark for n in count)


def _traced(options, script, folder):
    return subprocess.run(
        [STRACE, *options, sys.executable, str(script), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["/bin/umount", "--lazy", str(place)], check=True)


def test_a_full_disk_keeps_the_last_checkpoint(small_disk):
    """No space left is retryable, says what to do, leaves no rubbish, and the last checkpoint is still there."""
    manager = CheckpointManager(small_disk / "checkpoints")
    manager.save_checkpoint("ingest", {"step": 1})
    before = sorted((small_disk / "checkpoints").iterdir())

    with pytest.raises(RetryableError, match=r"No space left.*free some space"):
        manager.save_checkpoint("ingest", {"padding": "x" * 100_000})

    assert before == sorted((small_disk / "checkpoints").iterdir())
    assert manager.load_checkpoint("ingest") == {"step": 1}
    manager.save_checkpoint("ingest", {"step": 2})
    assert manager.load_checkpoint("ingest") == {"step": 2}
    manager.delete_checkpoint("ingest")  # frees the lease, and with it the disk


def test_a_read_only_folder_is_a_clear_error(small_disk):
    """A save into a file system that went read-only fails with its name; the last checkpoint can be read."""
    CheckpointManager(small_disk / "checkpoints").save_checkpoint("ingest", {"step": 1})
    subprocess.run(["/bin/mount", "-o", "remount,ro", str(small_disk)], check=True)
    manager = CheckpointManager(small_disk / "checkpoints")

    assert manager.load_checkpoint("ingest") == {"step": 1}
    with pytest.raises(FatalError, match=rf"{small_disk}.*Read-only file system"):
        manager.save_checkpoint("ingest", {"step": 2})
