"""However a run ends, no process, socket or folder of it is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROVING = """
    import pytest

    @pytest.mark.chaos(proves=["alerts"])
    def test_alert():
        pass
"""
STUCK = """
    from pathlib import Path
    import threading

    def test_stuck(postgres):
        folder = Path(postgres.address.host).parents[1]
        pids = [path.name for path in (folder / "guardians").iterdir()]
        Path("running").write_text("\\n".join([str(folder), *pids]))
        Path("running").rename("ready")
        threading.Event().wait()
"""


def _gone(pid: int) -> bool:
    import select

    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 60)[0])
    finally:
        os.close(descriptor)


def _await_file(path: Path, process: subprocess.Popen[bytes]) -> list[str]:
    """Wait until the test inside the run says that everything is up."""
    import threading

    while not path.exists():
        assert process.poll() is None, "the run ended before its test was up"
        threading.Event().wait(0.02)
    return path.read_text().splitlines()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals(pytester: pytest.Pytester, end: signal.Signals, workers: tuple[str, ...]) -> None:
    """Ctrl-C, SIGTERM and SIGKILL in the middle of a test leave nothing running, and no folder."""
    pytester.makepyfile(STUCK)
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--chaos", "-q", *workers],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    folder, *pids = _await_file(pytester.path / "ready", run)
    run.send_signal(end)
    run.wait()
    if end == signal.SIGKILL:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)

    assert len(pids) >= 2
    assert [pid for pid in pids if not _gone(int(pid))] == []
    assert not Path(folder).exists()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_terminated_run_has_said_what_it_knows(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """A pipeline whose time is over sends SIGTERM: the report is there, and nothing is passed by what has run."""
    pytester.makepyfile(test_early=PROVING, test_stuck=STUCK)
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--checklist", "-q", *workers],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    _await_file(pytester.path / "ready", run)
    for _ in range(2):  # `timeout` signals the process, and then its group
        run.send_signal(signal.SIGTERM)
        while _is_pending(run.pid, signal.SIGTERM):
            os.sched_yield()
    printed, _ = run.communicate()

    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert "report: resilience-report/index.html" in printed
    assert len([line for line in printed.splitlines() if line.startswith("resilience: interrupted; ")]) == 1
    assert _verdicts(pytester) == {"unproven"}


def test_tests_that_cannot_be_collected_are_the_reason(pytester: pytest.Pytester) -> None:
    """Nobody has pressed Ctrl-C, and nobody is told what it would do once more."""
    pytester.makepyfile(test_broken="import no_such_module", test_sound="def test(): pass")
    result = pytester.runpytest_subprocess("--checklist")
    report = json.loads((pytester.path / "resilience-report" / "report.json").read_text())

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.no_fnmatch_line("*Ctrl-C*")
    assert {why for (why,) in report["left_out"].values()} == {
        "the test run was interrupted (1 error during collection)"
    }


def test_the_second_interrupt_ends_the_run_at_once(pytester: pytest.Pytester) -> None:
    """It is ending already: there is no traceback of its end, and nothing is left."""
    pytester.makepyfile(STUCK)
    pytester.makeconftest("import threading\n\ndef pytest_unconfigure():\n    threading.Event().wait()\n")
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--chaos", "-q"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    try:
        folder, *pids = _await_file(pytester.path / "ready", run)
        run.send_signal(signal.SIGINT)
        said = next(line for line in run.stdout if line.startswith("resilience: interrupted; "))
        while run.poll() is None:
            run.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(0.3)
    finally:
        run.kill()  # where it has not ended, it never does
        printed, _ = run.communicate()

    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert "Ctrl-C once more" in said
    assert "Traceback" not in printed
    assert "resilience: ended at once" in printed
    assert [pid for pid in pids if not _gone(int(pid))] == []
    assert not Path(folder).exists()


def _is_pending(pid: int, number: int) -> bool:
    """Tell whether a signal was not delivered yet."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = next(line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(pending, 16) & 1 << number - 1)


def test_workers_that_died_have_proven_nothing(pytester: pytest.Pytester) -> None:
    """Nobody is left who could say which experiments there are."""
    pytester.makepyfile(test_early=PROVING, test_later="import os\n\ndef test_death():\n    os._exit(3)\n")
    pytester.runpytest_subprocess("--checklist", "-n", "1", "--max-worker-restart", "0")

    assert _verdicts(pytester) == {"unproven"}


def _verdicts(pytester: pytest.Pytester) -> set[str]:
    report = json.loads((pytester.path / "resilience-report" / "report.json").read_text())
    return {item["verdict"] for item in report["items"]}


def test_end_of_a_run(pytester: pytest.Pytester) -> None:
    """A run that ends by itself has ended its services before it returns."""
    ends = STUCK.replace("threading.Event().wait()", "pass").replace("postgres)", "postgres, mlflow_server)")
    pytester.makepyfile(ends)
    pytester.runpytest_subprocess("--chaos").assert_outcomes(passed=1)
    folder, *pids = (pytester.path / "ready").read_text().splitlines()

    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert not Path(folder).exists()


def test_time_out_that_ends_the_process(pytester: pytest.Pytester) -> None:
    """pytest-timeout's thread method ends pytest without running fixtures; the services end all the same."""
    pytester.makepyfile(STUCK)
    pytester.runpytest_subprocess("--chaos", "--timeout=5", "--timeout-method=thread")
    folder, *pids = (pytester.path / "ready").read_text().splitlines()

    assert [pid for pid in pids if not _gone(int(pid))] == []
    assert not Path(folder).exists()
