"""A Python workload's disk fills up when it is told to, and each step on its files can be its last."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_resilience.chaos.workload.control import FileEvent, Tweaks

LONG = 60.0
CONTROL = Tweaks(control=True)
WAYS = {
    "text": "with open('data/f', 'w') as f: f.write('x' * 100)",
    "binary": "with open('data/f', 'wb') as f: f.write(b'x' * 100)",
    "unbuffered": "f = open('data/f', 'wb', 0); n = f.write(b'x' * 100); f.write(b'x' * (100 - n))",
    "append": "with open('data/f', 'a') as f: f.write('x' * 100)",
    "update": "with open('data/f', 'w+b') as f: f.write(b'x' * 100)",
    "path": "pathlib.Path('data/f').write_text('x' * 100)",
    "os.write": "d = os.open('data/f', 65); n = os.write(d, b'x' * 100); os.write(d, b'x' * (100 - n))",
    "pwrite": "d = os.open('data/f', 65); n = os.pwrite(d, b'x' * 100, 0); os.pwrite(d, b'x', n)",
    "writev": "d = os.open('data/f', 65); os.writev(d, [b'x' * 50, b'x' * 50]); os.writev(d, [b'x'])",
    "fdopen": "with os.fdopen(os.open('data/f', 65), 'w') as f: f.write('x' * 100)",
    "copy": "pathlib.Path('g').write_text('y' * 100); shutil.copyfile('g', 'data/f')",
    "temporary": "f = tempfile.NamedTemporaryFile(dir='data'); f.write(b'x' * 100); f.flush()",
    "json": "with open('data/f', 'w') as f: json.dump(list(range(100)), f)",
    "gzip": "with gzip.open('data/f', 'wb', 0) as f: f.write(b'x' * 100)",
    "logging": "h = logging.FileHandler('data/f'); h.emit = h.emit; h.stream.write('x' * 100); h.stream.flush()",
    "child": (
        'p = \'d = open("data/f", "wb", 0); n = d.write(b"x" * 100); d.write(b"x")\'\n'
        "subprocess.run([sys.executable, '-c', p], check=True)"
    ),
}
IMPORTS = "import gzip, json, logging, os, pathlib, shutil, subprocess, sys, tempfile\n"
CHECKPOINT = """
import json, os
os.makedirs("checkpoints", exist_ok=True)
with open("checkpoints/x.tmp", "w") as stream:
    json.dump({"at": 5}, stream); stream.flush(); os.fsync(stream.fileno())
os.replace("checkpoints/x.tmp", "checkpoints/x.json")
folder = os.open("checkpoints", os.O_RDONLY); os.fsync(folder); os.close(folder)
open("/dev/null", "w").write("elsewhere")
print("saved")
"""
STEPS = [
    "open checkpoints/x.tmp",
    "write checkpoints/x.tmp",
    "fsync checkpoints/x.tmp",
    "close checkpoints/x.tmp",
    "replace checkpoints/x.tmp -> checkpoints/x.json",
    "fsync checkpoints",
]


@pytest.mark.parametrize("way", WAYS)
def test_full_disk_refuses_whatever_writes(make, tmp_path: Path, way: str) -> None:
    """Exactly so many bytes are written, then ENOSPC, whichever way is taken; the first is a receipt."""
    (tmp_path / "data").mkdir()
    work = make(program=IMPORTS + WAYS[way], tweaks=CONTROL)
    work.inside.disk_full("data", 40)
    work.start()
    work.wait(LONG)

    assert "No space left on device" in work.stderr
    assert sum(path.stat().st_size for path in (tmp_path / "data").iterdir()) in {40, 0}
    assert {receipt.kind for receipt in work.inside.receipts} == {"disk_full"}
    assert (work.inside.receipts[0].path or "").startswith(str(tmp_path / "data"))


def test_other_folders_have_space(make, tmp_path: Path) -> None:
    """What lies elsewhere, and only has a similar name, is written; nothing fired."""
    (tmp_path / "data2").mkdir()
    work = make(program="open('data2/f', 'w').write('x' * 100)", tweaks=CONTROL)
    work.inside.disk_full("data", 0)
    work.start()

    assert work.wait(LONG) == 0
    assert (tmp_path / "data2" / "f").stat().st_size == 100
    assert work.inside.receipts == []


def test_disk_fills_up_while_it_runs_and_stays_full(make, tmp_path: Path) -> None:
    """A file that is open already is full too, so is the disk at a restart, until it heals."""
    program = """
import sys
out = open("log.txt", "a", buffering=1); out.write("one\\n"); print("up", flush=True); open("fifo").read()
try: out.write("two\\n")
except OSError as error: print(error.errno)
"""
    os.mkfifo(tmp_path / "fifo")
    work = make(program=program, tweaks=CONTROL)

    def go() -> None:
        while not work.stdout.endswith("up\n"):
            os.sched_yield()

    work.start()
    go()
    order = work.inside.disk_full(".", 0)
    (tmp_path / "fifo").write_text("go")
    work.wait(LONG)
    work.inside.heal_disk(order)
    work.inside.heal_disk(order)
    work.resume()
    go()
    (tmp_path / "fifo").write_text("go")

    assert work.wait(LONG) == 0
    assert work.stdout == "up\n28\nup\n"
    assert (tmp_path / "log.txt").read_text() == "one\none\ntwo\n"


def test_steps_are_named_and_counted(make) -> None:
    """Every step of a checkpoint is asked for before and after, in order; what is elsewhere is not."""
    seen: list[FileEvent] = []
    work = make(program=CHECKPOINT, tweaks=CONTROL)
    work.inside.file_events(lambda event: seen.append(event) or "continue")
    work.start()

    assert work.wait(LONG) == 0
    assert [(event.what, event.when) for event in seen] == [
        (step, when) for step in STEPS for when in ("before", "after")
    ]
    assert [event.number for event in seen] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_each_step_can_be_its_last(make, tmp_path: Path, number: int, when: str) -> None:
    """Killed before or after a step, exactly what was done before is there."""
    work = make(program=CHECKPOINT, tweaks=CONTROL)
    work.inside.file_events(
        lambda event: "kill" if (event.number, event.when) == (number, when) else "continue"
    )
    work.start()
    done = number - (when == "before")

    assert work.wait(LONG) == 137
    assert work.processes[0].killed
    assert (tmp_path / "checkpoints" / "x.json").exists() == (done >= STEPS.index(STEPS[4]) + 1)
    assert (tmp_path / "checkpoints" / "x.tmp").exists() == (1 <= done < 5)


def test_open_is_still_the_built_in(make, tmp_path: Path) -> None:
    """Its results, errors and types are the interpreter's."""
    program = """
import builtins, io, os, shutil
assert open is io.open
for bad in (dict(mode="wz"), dict(mode="wbt"), dict(mode="w", buffering=0), dict(mode="wr"),
            dict(mode="wb", encoding="utf-8")):
    try: open("f", **bad)
    except ValueError as error: print(error)
for mode in ("w", "wb", "w+", "w+b", "x"):
    if mode == "x": os.remove("f")
    with open("f", mode) as f: print(type(f).__name__, f.mode, f.name)
print(type(open("f", "wb", 0)).__name__, shutil.rmtree.avoids_symlink_attacks, os.open in os.supports_dir_fd)
try: open("f", "x")
except FileExistsError as error: print(error)
try: os.rename("no", "where")
except FileNotFoundError as error: print(error)
class Keeps: open = open; replace = os.replace
Keeps().open("g", "w").close(); Keeps().replace("g", "h")
"""
    plain, changed = make(program=program), make(program=program, tweaks=CONTROL)
    for work in (plain, changed):
        work.start()
        work.wait(LONG)

    assert changed.output == plain.output
    assert changed.exit_code == 0
