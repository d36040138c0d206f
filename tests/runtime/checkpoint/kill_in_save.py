"""Kill a save at each call that touches the disk, and print what the next process finds.

    python kill_in_save.py FOLDER SAVES_BEFORE [--planted]

One process is prepared and forks a child for each kill. `--planted` puts a save in place that is not atomic.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from pathlib import Path

from pytest_resilience import CheckpointManager, ResilienceError

CALLS = ("open", "ftruncate", "write", "fsync", "link", "replace", "rename", "unlink", "close")


class Countdown:
    """Kill this process at the n-th call; a write is done by half before that."""

    def __init__(self, number):
        self.left = number

    def step(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def arm(number):
    """Make each call that touches the disk count."""
    countdown = Countdown(number)

    def counting(call):
        def wrapper(*arguments, **keywords):
            countdown.step()
            return call(*arguments, **keywords)

        return wrapper

    for name in CALLS:
        setattr(os, name, counting(getattr(os, name)))

    class CountingFile(io.FileIO):
        def write(self, data):
            countdown.step()
            half = len(data) // 2
            super().write(memoryview(data)[:half])
            countdown.step()
            return half + super().write(memoryview(data)[half:])

    os.fdopen = lambda descriptor, mode, *_, **__: CountingFile(descriptor, mode)
    return countdown


class PlantedManager(CheckpointManager):
    """Write the file in place, as code does that was never interrupted."""

    def save_checkpoint(self, operation_id, state):
        path = self.checkpoint_dir / f"{operation_id}.json"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(json.dumps(state).encode())


def in_child(action):
    """Run in a forked child; return whether it lived."""
    child = os.fork()
    if child == 0:
        action()
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in {0, -signal.SIGKILL}, status
    return status == 0


def prepare(folder, saves):
    """Save so often, in a process that ends."""

    def save():
        manager = CheckpointManager(folder)
        for step in range(1, saves + 1):
            manager.save_checkpoint("ingest", {"step": step})

    in_child(save)


def look(folder):
    """Return what the next process finds, and whether it can go on."""
    manager = CheckpointManager(folder)
    try:
        loaded = manager.load_checkpoint("ingest")
    except ResilienceError as error:
        return {"error": repr(error)}
    manager.save_checkpoint("ingest", {"step": 99})
    return {
        "loaded": loaded,
        "then": manager.load_checkpoint("ingest"),
        "files": len(list(Path(folder).iterdir())),
    }


def main(root, saves, planted):
    """Kill at the first call, the second, and so on, until a save lives."""
    number = 0
    lived = False
    while not lived:
        number += 1
        folder = Path(root, str(number))
        prepare(folder, saves)

        def save(folder=folder, number=number):
            manager = (PlantedManager if planted else CheckpointManager)(folder)
            arm(number)
            manager.save_checkpoint("ingest", {"step": saves + 1})

        lived = in_child(save)
        sys.stdout.write(json.dumps(look(folder)) + "\n")
        sys.stdout.flush()


main(sys.argv[1], int(sys.argv[2]), "--planted" in sys.argv)
