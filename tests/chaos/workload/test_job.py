"""A job is started as a shell would, disturbed, started again, and nothing of it is left behind."""

from __future__ import annotations

import itertools
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_resilience.chaos.workload import process_tree
from pytest_resilience.chaos.workload.supervised import WorkloadStartError
from pytest_resilience.chaos.workload.workload import Workload, WorkloadUseError

LONG = 60.0
HERD = """
import os, subprocess, sys, time
for _ in range(3):
    subprocess.Popen(["sleep", "600"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("up", flush=True)
    time.sleep(600)
time.sleep(600)
"""
OWNER = """
import os, sys
from pathlib import Path
from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.workload.workload import Workload
from pytest_resilience.services.run_folder import RunFolder

run = RunFolder.make(Path(sys.argv[1]))
herd = WorkloadDeclaration(name="herd", shape="job", command=("{python}", "-c", sys.argv[2]))
work = Workload(herd, folder=Path(sys.argv[1]), environment={}, run=run)
work.start()
while "up" not in work.stdout: pass
print(*work.pids(), flush=True)
while True: os.sched_yield()  # a signal that comes just before `signal.pause` would not end it
"""


def _until(condition: Callable[[], object]) -> None:
    while not condition():
        os.sched_yield()


def _gone(pid: int) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], LONG)[0])
    finally:
        os.close(descriptor)


def test_job_runs_to_its_end(make, tmp_path: Path, python: str) -> None:
    """It runs in its folder, with its environment alone, and its output and status are kept."""
    program = """if True:
        import os, sys
        print(sorted(os.environ), os.getcwd(), sys.argv)
        sys.exit(print("woe", file=sys.stderr) or 7)
    """
    work = make("{x}", program=program, env={"ONLY": "this"})
    work.start()

    assert work.wait(LONG) == 7
    environment, folder, arguments = work.stdout[:-1].replace("] ", "]|").replace(" [", "|[").split("|")
    assert "'ONLY'" in environment
    assert "HOME" not in environment
    assert folder == str(tmp_path)
    assert arguments == "['program.py', '{x}']"
    assert work.stderr == "woe\n"
    assert work.output == work.stdout + work.stderr
    (process,) = work.processes
    assert process.exit_code == 7
    assert 0 <= process.began <= (process.ended or -1)


def test_exit_code_of_a_signal_is_the_shells(make) -> None:
    """A process that signal N ends has the status 128 + N."""
    work = make("sh", "-c", "kill -SEGV $$")
    work.start()

    assert work.wait(LONG) == 128 + signal.SIGSEGV


def test_port_is_filled_in_and_kept(make) -> None:
    """`{port}` is a number that is the same at each start."""
    work = make("sh", "-c", "echo {port} {{other}}")
    work.start()
    work.wait(LONG)
    work.resume()
    work.wait(LONG)

    line = f"{work.placeholders.port} {{other}}\n"
    assert work.stdout == line + line


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (
            ("no-such-program",),
            "No such file or directory: no-such-program; it is looked for on the workload's PATH",
        ),
        (("./program.sh",), "Permission denied: ./program.sh; a path with a slash is looked for from"),
    ],
)
def test_what_cannot_be_started_is_told(make, tmp_path: Path, command: tuple[str, ...], why: str) -> None:
    """The error says what, where it was looked for, and why."""
    (tmp_path / "program.sh").write_text("#!/bin/sh\n")
    work = make(*command)

    with pytest.raises(WorkloadStartError) as failure:
        work.start()
    assert why in str(failure.value)


def test_missing_folder_is_told(make, tmp_path: Path) -> None:
    """A working folder that is not there is named as the cause."""
    work = make("true")
    tmp_path.rmdir()

    with pytest.raises(WorkloadStartError, match="the working folder is not there"):
        work.start()


def test_wait_has_an_end(make) -> None:
    """Waiting raises `TimeoutError` while it runs, and it runs on."""
    work = make("sleep", "600")
    work.start()

    with pytest.raises(TimeoutError, match="'work' runs still after 0 s"):
        work.wait(0)
    assert work.runs


def test_kill_ends_children_in_sessions_of_their_own(make) -> None:
    """Neither a new session nor a daemon's double fork saves a child."""
    work = make(program=HERD)
    work.start()
    _until(lambda: "up" in work.stdout)
    herd = work.pids()
    work.kill()

    assert work.wait(LONG) == 137
    assert len(herd) == 6
    assert all(map(_gone, herd))
    assert work.processes[0].killed


def test_pause_stops_children_too(make) -> None:
    """All of it stops, and goes on when it may."""
    work = make("sh", "-c", "(while :; do echo tick; done) & wait")
    work.start()
    _until(lambda: "tick" in work.stdout)
    work.pause()
    states = {Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in work.pids()}
    seen = len(work.stdout)
    same = len(work.stdout)
    work.unpause()
    _until(lambda: len(work.stdout) > seen)

    assert states == {"T"}
    assert same == seen


def test_pause_waits_for_who_gets_no_time_to_stop(make, monkeypatch) -> None:
    """On a busy machine a process still runs when it was told to stop: it is looked at until it has."""
    looks, state = itertools.count(), process_tree._state
    monkeypatch.setattr(process_tree, "_state", lambda pid: state(pid) if next(looks) > 1000 else "R")
    work = make("sleep", "600")
    work.start()
    work.pause()

    assert next(looks) > 1000


def test_leftovers_are_children_that_outlive_it(make) -> None:
    """A child that is alive after the main process ended is a leftover, wherever it went."""
    work = make("sh", "-c", "setsid sleep 600 >/dev/null 2>&1 &")
    work.start()
    work.wait(LONG)
    (left,) = work.leftovers()
    work.close()

    assert _gone(left)
    assert work.leftovers() == ()


def test_resume_starts_it_again_three_times(make) -> None:
    """A fourth restart, and a restart of what runs, are refused."""
    work = make("sh", "-c", "echo x; exit 1")
    work.start()
    work.wait(LONG)
    for _ in range(3):
        work.resume()
        work.wait(LONG)

    with pytest.raises(WorkloadUseError, match="started again 3 times"):
        work.resume()
    assert work.stdout == "x\n" * 4
    assert [process.exit_code for process in work.processes] == [1] * 4


def test_resume_is_refused_where_it_means_nothing(make) -> None:
    """What was not started, still runs, or has `resume = "none"` is not resumed."""
    once, running, new = make("true", resume="none"), make("sleep", "600"), make("true")
    once.start()
    once.wait(LONG)
    running.start()

    with pytest.raises(WorkloadUseError, match='resume = "none"'):
        once.resume()
    with pytest.raises(WorkloadUseError, match="still runs"):
        running.resume()
    with pytest.raises(WorkloadUseError, match="not started yet"):
        new.resume()
    with pytest.raises(WorkloadUseError, match="started before"):
        running.start()


def test_terminate_is_polite_first(make) -> None:
    """SIGTERM is heard; what does not listen is killed after the grace."""
    polite = make("sh", "-c", "trap 'echo bye; exit 3' TERM; echo up; while :; do :; done")
    stubborn = make("sh", "-c", "trap '' TERM; echo up; while :; do :; done")
    for work in (polite, stubborn):
        work.start()
    _until(lambda: "up" in polite.stdout and "up" in stubborn.stdout)

    assert polite.terminate() == 3
    assert stubborn.terminate(grace=0.05) == 137
    assert "bye" in polite.stdout


def test_what_gives_up_is_blocked(make) -> None:
    """A workload that is killed at its deadline is recorded as blocked, without an end of its own."""
    work = make("sleep", "600")
    work.start()
    work.give_up()
    (process,) = work.processes

    assert (process.blocked, process.killed, process.ended) == (True, False, None)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_test_run(tmp_path: Path, end: signal.Signals) -> None:
    """Whatever ends the process that started a workload, all of the workload ends."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), HERD],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert owner.stdout is not None
    herd = [int(pid) for pid in owner.stdout.readline().split()]
    owner.send_signal(end)
    owner.wait()
    owner.stdout.close()

    assert len(herd) == 6
    assert all(map(_gone, herd))


def test_end_of_the_run_ends_it(make, run) -> None:
    """A workload that nobody closed ends with the run."""
    work = make("sleep", "600")
    work.start()
    pids = work.pids()
    run.end()

    assert all(map(_gone, pids))


def test_output_is_private(make, run) -> None:
    """Nobody else can read what a workload prints."""
    work = make("echo", "secret")
    work.start()
    work.wait(LONG)
    files = [path for path in (run.path / "workloads").rglob("*") if path.is_file()]

    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_logs_are_parsed(make) -> None:
    """JSON and logfmt on standard error are facts, anything else is text."""
    lines = '{"level": "ERROR", "n": 1}\nlevel=warn msg="two words" n=2\nplain = text\n{broken\nlast'
    work = make(program=f"import sys; sys.stderr.write({lines!r})")
    work.start()
    work.wait(LONG)
    work.close()

    assert [line.record for line in work.logs] == [
        {"level": "ERROR", "n": 1},
        {"level": "warn", "msg": "two words", "n": "2"},
        None,
        None,
        None,
    ]
    assert [line.text for line in work.logs] == lines.split("\n")


def test_the_log_may_be_standard_output(make) -> None:
    """Its lines are read there, those of standard error are not; both are kept as what was written."""
    work: Workload = make("sh", "-c", "echo level=error n=1; echo level=error n=2 >&2", logs="stdout")
    work.start()
    work.wait(LONG)
    work.close()

    assert [line.record for line in work.logs] == [{"level": "error", "n": "1"}]
    assert [process.stdout for process in work.processes] == ["level=error n=1\n"]
    assert [process.stderr for process in work.processes] == ["level=error n=2\n"]


def test_log_file_is_read_from_where_it_ends(make, tmp_path: Path) -> None:
    """A configured log file is read from its end at the start on, each line once over restarts."""
    (tmp_path / "app.log").write_text("old\n")
    work: Workload = make("sh", "-c", "echo a=1 b=2 >> app.log", logs="app.log")
    work.start()
    work.wait(LONG)
    work.resume()
    work.wait(LONG)

    assert [line.text for line in work.logs] == ["a=1 b=2", "a=1 b=2"]
