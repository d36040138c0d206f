"""The lease: one writer, and the others are told so."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading

import pytest

from pytest_resilience import CheckpointConflictError, CheckpointManager

HOLDER = """
import sys
from pytest_resilience import CheckpointManager
manager = CheckpointManager(sys.argv[1])
manager.save_checkpoint("ingest", {"by": "the holder"})
print("held", flush=True)
sys.stdin.read()
"""
SAVER = """
import sys
from pytest_resilience import CheckpointManager
CheckpointManager(sys.argv[1]).save_checkpoint("ingest", {"row": 50})
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that writes the checkpoint and lives."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_writes(tmp_path, holder):
    """While another process holds the operation, neither a save nor a delete goes through; a load does."""
    manager = CheckpointManager(tmp_path)

    assert manager.load_checkpoint("ingest") == {"by": "the holder"}
    for act in (
        lambda: manager.save_checkpoint("ingest", {"by": "me"}),
        lambda: manager.delete_checkpoint("ingest"),
    ):
        with pytest.raises(CheckpointConflictError, match=f"process {holder.pid} "):
            act()
    assert manager.load_checkpoint("ingest") == {"by": "the holder"}


def test_other_operations_are_free(tmp_path, holder):
    """The lease is for one operation, not for the folder."""
    CheckpointManager(tmp_path).save_checkpoint("another", {})


def test_a_killed_writer_frees_its_checkpoint(tmp_path, holder):
    """After kill -9 the next process goes on; nothing has to be cleaned up or waited for."""
    holder.kill()
    holder.wait()
    manager = CheckpointManager(tmp_path)

    manager.save_checkpoint("ingest", {"by": "me"})

    assert manager.load_checkpoint("ingest") == {"by": "me"}


def test_a_second_manager_must_have_seen_the_newest(tmp_path):
    """Inside one process, a manager that has not loaded the checkpoint cannot overwrite another one's."""
    first, second = CheckpointManager(tmp_path), CheckpointManager(tmp_path)
    first.save_checkpoint("ingest", {"by": 1})

    with pytest.raises(CheckpointConflictError, match="load the checkpoint before saving"):
        second.save_checkpoint("ingest", {"by": 2})
    assert first.load_checkpoint("ingest") == {"by": 1}


def test_who_was_overtaken_is_fenced_off(tmp_path):
    """A manager that loaded the newest takes over, and the earlier one's late save is refused."""
    first, second = CheckpointManager(tmp_path), CheckpointManager(tmp_path)
    first.save_checkpoint("ingest", {"by": 1})
    second.load_checkpoint("ingest")

    second.save_checkpoint("ingest", {"by": 2})

    with pytest.raises(CheckpointConflictError):
        first.save_checkpoint("ingest", {"by": "too late"})
    assert second.load_checkpoint("ingest") == {"by": 2}


def test_a_manager_that_is_gone_holds_nothing(tmp_path):
    """When a manager is garbage, another process may write at once."""
    manager = CheckpointManager(tmp_path)
    manager.save_checkpoint("ingest", {"by": "me"})
    del manager
    gc.collect()

    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        process.stdin.close()


def test_a_forked_child_does_not_write_with_its_parents_lease(tmp_path):
    """What a child inherits is not a right to write: parent and child would be two writers."""
    script = """
import os, sys
from pytest_resilience import CheckpointConflictError, CheckpointManager, RetryableError
manager = CheckpointManager(sys.argv[1])
manager.save_checkpoint("ingest", {"by": "parent"})
child = os.fork()
if child == 0:
    try:
        manager.save_checkpoint("ingest", {"by": "child"})
    except CheckpointConflictError:
        os._exit(7)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
manager.save_checkpoint("ingest", {"by": "parent still"})
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60)

    assert done.returncode == 0
    assert json.loads((tmp_path / "ingest.json").read_text()) == {"by": "parent still"}


def test_threads_may_share_a_manager(tmp_path):
    """Eight threads that save through one manager leave one of their states, and no damage."""
    manager = CheckpointManager(tmp_path)

    def work(number):
        for step in range(20):
            manager.save_checkpoint("ingest", {"by": number, "step": step})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert manager.load_checkpoint("ingest")["step"] == 19
    assert len(list(tmp_path.iterdir())) == 4


def test_whoever_loads_during_saves_sees_a_whole_state(tmp_path):
    """A reader beside a busy writer never sees damage, nothing, or a step back."""
    script = """
import sys
from pytest_resilience import CheckpointManager
manager = CheckpointManager(sys.argv[1])
for step in range(1, 400):
    manager.save_checkpoint("ingest", {"step": step, "padding": "x" * (step % 50)})
    if step == 1:
        print("begun", flush=True)
"""
    reader, seen = CheckpointManager(tmp_path), [0]
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        while process.poll() is None:
            seen.append(reader.load_checkpoint("ingest")["step"])

    assert reader.load_checkpoint("ingest")["step"] == 399
    assert sorted(seen) == seen


def test_a_signal_handler_that_saves_in_the_middle_of_a_save_is_refused(tmp_path, monkeypatch):
    """The thread would wait for itself; the checkpoint is there, and saving goes on."""
    manager = CheckpointManager(tmp_path)
    manager.save_checkpoint("ingest", {"row": 1})
    once, flush = iter([True]), os.fsync

    def handler(descriptor):
        if next(once, False):
            with pytest.raises(CheckpointConflictError, match="by this very thread"):
                manager.save_checkpoint("ingest", {"row": 2})
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", handler)
    manager.save_checkpoint("ingest", {"row": 3})

    assert manager.load_checkpoint("ingest") == {"row": 3}
    manager.save_checkpoint("ingest", {"row": 4})
    assert CheckpointManager(tmp_path).load_checkpoint("ingest") == {"row": 4}


def test_what_another_process_has_saved_since_is_not_overwritten(tmp_path, holder):
    """Who loaded before that has to load again, although nobody holds the checkpoint any more."""
    mine = CheckpointManager(tmp_path)
    mine.load_checkpoint("ingest")
    holder.kill()
    holder.wait()
    subprocess.run([sys.executable, "-c", SAVER, str(tmp_path)], check=True)

    with pytest.raises(CheckpointConflictError, match="load the checkpoint before saving"):
        mine.save_checkpoint("ingest", {"row": 2})
    assert mine.load_checkpoint("ingest") == {"row": 50}
    mine.save_checkpoint("ingest", {"row": 51})
    assert mine.load_checkpoint("ingest") == {"row": 51}


MANY = """
import resource, sys
from pytest_resilience import CheckpointManager, RetryableError
manager = CheckpointManager(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    for number in range(100):
        manager.save_checkpoint(f"day-{number}", {"row": number})
except RetryableError as error:
    print(error)
for number in range(5):
    manager.delete_checkpoint(f"day-{number}")
manager.save_checkpoint("another", {"row": 1})
"""


def test_too_many_open_files_are_told_as_such(tmp_path):
    """Not as a full disk; once some are deleted, it goes on."""
    command = [sys.executable, "-c", MANY, str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "Too many open files; each checkpoint keeps a file open until it is deleted" in told
    assert CheckpointManager(tmp_path).load_checkpoint("another") == {"row": 1}
