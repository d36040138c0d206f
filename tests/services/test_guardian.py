"""The guardian ends its command, and all that the command started, whatever ends the owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_resilience.services import run_folder
from pytest_resilience.services.process import ChildProcess, Command, ServiceStartError
from pytest_resilience.services.run_folder import RunFolder

OWNER = """
import signal, sys
from pathlib import Path
from pytest_resilience.services.process import ChildProcess, Command
from pytest_resilience.services.run_folder import RunFolder

run = RunFolder.make(Path(sys.argv[1]))
child = ChildProcess("sleeper", Command(arguments=["sleep", "600"], log=run.folder("s") / "log", run=run))
print(run.path, child.pid, flush=True)
signal.pause()
"""
HERD = """
import subprocess
print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid, flush=True)
"""


def _command(run: RunFolder, *arguments: str) -> Command:
    return Command(arguments=arguments, log=run.folder("service") / "log", run=run)


def _gone(pid: int) -> bool:
    """Wait for a process that is no child of ours; pidfds turn readable at its end."""
    import select

    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 60)[0])
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_command_ends_with_its_owner(tmp_path: Path, end: signal.Signals) -> None:
    """Whatever signal ends the owner, the command ends and the run's folder goes."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert owner.stdout is not None
    folder, guardian = owner.stdout.readline().split()
    owner.send_signal(end)
    owner.wait()
    owner.stdout.close()

    assert _gone(int(guardian))
    assert not Path(folder).exists()


def test_exit_code_of_a_signal_is_the_shells(run: RunFolder) -> None:
    """A command killed by signal N is reported as 128 + N, another by its own status."""
    killed = ChildProcess("killed", _command(run, "sh", "-c", "kill -9 $$"))
    ended = ChildProcess("ended", _command(run, "sh", "-c", "exit 7"))

    assert (_wait(killed), _wait(ended)) == (137, 7)


def _wait(child: ChildProcess) -> int | None:
    assert _gone(child.pid)
    return child.exit_code


def test_orphans_end_too(run: RunFolder) -> None:
    """A grandchild in a session of its own does not outlive the command."""
    child = ChildProcess("herd", _command(run, sys.executable, "-c", HERD))

    assert _wait(child) == 0
    assert _gone(int(child.log.read_text()))


def test_stop_kills_what_does_not_listen(run: RunFolder) -> None:
    """A command that ignores the polite signal is killed after its grace; stopping twice is safe."""
    stubborn = Command(
        arguments=["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"],
        log=run.folder("service") / "log",
        run=run,
        grace=0.1,
    )
    child = ChildProcess("stubborn", stubborn)
    child.wait_until(lambda: "up" in child.log.read_text(), timeout=60)
    child.stop()
    child.stop()

    assert child.exit_code == 137


def test_death_at_start_shows_the_log(run: RunFolder) -> None:
    """A service that dies at its start is reported with its status and the last lines of its log."""
    child = ChildProcess("MLflow", _command(run, "sh", "-c", "echo no such store >&2; exit 3"))

    with pytest.raises(ServiceStartError) as failure:
        child.wait_until(lambda: False, timeout=60)
    assert "MLflow ended with status 3 at its start" in str(failure.value)
    assert "    no such store" in str(failure.value)


def test_silence_at_start_is_an_error(run: RunFolder) -> None:
    """A service that is not ready in time is ended, and the message says how long was waited."""
    child = ChildProcess("MLflow", _command(run, "sleep", "600"))

    with pytest.raises(ServiceStartError, match="MLflow was not ready after 0 s"):
        child.wait_until(lambda: False, timeout=0)
    assert child.exit_code is not None


def test_program_that_cannot_be_run_is_told(run: RunFolder) -> None:
    """A command that does not exist ends the guardian, and its error stands in the log."""
    child = ChildProcess("nothing", _command(run, "/no/such/program"))

    with pytest.raises(ServiceStartError, match="No such file or directory: '/no/such/program'"):
        child.wait_until(lambda: False, timeout=60)


def test_log_is_private(run: RunFolder) -> None:
    """Nobody else can read what a service logs."""
    child = ChildProcess("quiet", _command(run, "true"))
    _wait(child)

    assert child.log.stat().st_mode & 0o777 == 0o600


def test_end_of_the_run_ends_every_command(tmp_path: Path) -> None:
    """Ending the run stops its commands, removes its folder, and may be done twice."""
    run = RunFolder.make(tmp_path)
    children = [ChildProcess(name, _command(run, "sleep", "600")) for name in ("a", "b")]
    run.end()
    run.end()

    assert [child.exit_code is not None for child in children] == [True, True]
    assert not run.path.exists()


def test_end_of_the_run_needs_no_look_at_its_own_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that was started this instant, whose name cannot be read yet, is ended like any other."""
    monkeypatch.setattr(run_folder, "_is_guardian", lambda _pid: False)
    run = RunFolder.make(tmp_path)
    child = ChildProcess("young", _command(run, "sleep", "600"))
    run.end()

    assert child.exit_code is not None
