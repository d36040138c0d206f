"""A prepared start is a fork of a process that has the third-party modules, and as good as a plain start."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from pytest_resilience.chaos.workload.control import Tweaks
from pytest_resilience.chaos.workload.preparation import ZYGOTE, Preparation, program_of

LONG = 60.0
TELLS = """
import atexit, json, os, signal, sys, threading
import sqlite3, xml.dom.minidom
import team
atexit.register(lambda: print("at exit"))
threading.Thread(target=lambda: print("thread", flush=True)).start()
main = sys.modules["__main__"]
print(sys.argv, sys.orig_argv[1:], sys.path, main is sys.modules[__name__], __name__, __file__)
print(__spec__ and __spec__.name, sys.flags, sys.stdout.line_buffering)
print(sorted(os.environ.items()), os.getcwd(), os.getpid() == os.getsid(0), sorted(os.listdir("/proc/self/fd")))
print({s: str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE)})
print(threading.current_thread().name, sys.stdout.encoding, sys.stdin.read(), team.value)
print("woe", file=sys.stderr)
"""
OURS = ("PYTHONPATH", "RESILIENCE_INSIDE")


@pytest.fixture
def preparation(run):
    """A preparation of the run."""
    made = Preparation(run)
    yield made
    made.close()


@pytest.fixture
def both(make, preparation, tmp_path: Path):
    """A maker of pairs: the same workload plain and prepared, after a clean run that told its modules."""

    def pair(*command: str, program: str, **declared):
        (tmp_path / "team.py").write_text("import os\nvalue = os.environ.get('VALUE')\n")
        plain = make(*command, program=program, **declared)
        first = make(*command, program=program, start="prepared", preparation=preparation, **declared)
        first.start()
        first.wait(LONG)
        second = make(*command, program=program, start="prepared", preparation=preparation, **declared)
        return plain, second

    return pair


def test_fork_is_as_a_fresh_start(both, preparation) -> None:
    """Arguments, path, environment, descriptors, signals, exit and output are those of a fresh interpreter."""
    plain, prepared = both("one", "two", program=TELLS, env={"VALUE": "5", "LANG": "C.UTF-8"})
    for work in (plain, prepared):
        work.start()
        work.wait(LONG)

    assert (prepared.prepared, preparation.why_plain) == ([True], None)
    assert prepared.stdout.splitlines() == plain.stdout.splitlines()
    assert (prepared.exit_code, prepared.stderr) == (0, "woe\n")


def test_module_is_run_as_python_m_does(make, preparation, tmp_path: Path) -> None:
    """`-m` has its arguments, its spec, its package and its path."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("import sys; print(sys.argv[0])")
    (tmp_path / "shop" / "run.py").write_text(
        "import sys; print(sys.argv, __name__, __spec__.name, __package__, sys.path[0]); sys.exit(3)"
    )
    works = [
        make("{python}", "-m", "shop.run", "x", start=start, preparation=preparation)
        for start in ("plain", "prepared", "prepared")
    ]
    for work in works:
        work.start()

        assert work.wait(LONG) == 3
    assert works[2].prepared == [True]
    assert works[2].stdout == works[0].stdout


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("def deep(): raise ValueError('woe')\ndeep()", 1),
        ("import sys; sys.exit('woe')", 1),
        ("import os; os._exit(9)", 9),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143),
        ("raise KeyboardInterrupt", 130),
        ("1 +", 1),
        ("import team, nothing_like_it", 1),
    ],
)
def test_ends_are_the_same(both, preparation, program: str, status: int) -> None:
    """Tracebacks and statuses are those of a fresh interpreter."""
    plain, prepared = both(program=program)
    if preparation.modules is None:  # it was killed before it could tell
        preparation.imports.write_text("[]")
    for work in (plain, prepared):
        work.start()
        work.wait(LONG)

    assert (prepared.prepared, preparation.why_plain) == ([True], None)
    assert (prepared.exit_code, plain.exit_code) == (status, status)
    assert prepared.stderr == plain.stderr


def test_modules_are_loaded_once_and_the_teams_own_never(both, preparation) -> None:
    """What the clean run loaded from site-packages and the standard library is there, and ours; the team's is not."""
    program = "import sys; print({'psycopg2', 'pytest_resilience.runtime.retry'} <= {*sys.modules})"
    _, prepared = both(
        program=f"{program}; import psycopg2, team; from pytest_resilience.runtime import retry"
    )
    prepared.start()
    prepared.wait(LONG)

    assert prepared.output == "True\n"
    assert "psycopg2" in (preparation.modules or [])
    assert "team" not in (preparation.modules or [])


def test_who_ends_by_the_signal_it_was_told_to_end_by_leaves_the_names_too(both, preparation) -> None:
    """Servers do; else each start of theirs would load everything anew."""
    plain, prepared = both(program="import psycopg2, signal; signal.raise_signal(signal.SIGTERM)")
    for work in (plain, prepared):
        work.start()
        work.wait(LONG)

    assert (plain.exit_code, prepared.exit_code, prepared.prepared) == (143, 143, [True])
    assert "psycopg2" in (preparation.modules or [])


def test_uvloop_that_is_loaded_beforehand_gives_way_too(both) -> None:
    """A server's loop is asyncio's where time is scaled, and its own where it is not."""
    program = "import asyncio, uvloop; print(isinstance(uvloop.new_event_loop(), asyncio.SelectorEventLoop))"
    scaled, usual = (both(program=program, tweaks=tweaks)[1] for tweaks in (Tweaks(time_scale=2.0), Tweaks()))
    for work in (scaled, usual):
        work.start()
        work.wait(LONG)

    assert (scaled.prepared, scaled.stdout, usual.stdout) == ([True], "True\n", "False\n")


def test_module_that_starts_threads_is_not_loaded(make, preparation, tmp_path: Path, monkeypatch) -> None:
    """A package that has threads after its import is left to each fork, the others are loaded."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "spinner.py").write_text(
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    )
    (site / "calm.py").write_text("")
    zygote = tmp_path / "zygote.py"
    zygote.write_text(
        f"import runpy, sys; sys.path.append({str(site)!r}); runpy.run_path({str(ZYGOTE)!r}, run_name='__main__')"
    )
    monkeypatch.setattr("pytest_resilience.chaos.workload.preparation.ZYGOTE", zygote)
    preparation.imports.write_text('["spinner", "calm"]')
    program = "import sys; print([name in sys.modules for name in ('calm', 'spinner')])"
    work = make(program=program, start="prepared", preparation=preparation)
    work.start()
    work.wait(LONG)

    assert work.prepared == [True]
    assert work.output == "[True, False]\n"
    assert preparation.modules == ["calm"]


def test_kill_and_leftovers_are_as_ever(both) -> None:
    """A prepared workload dies with its children, and an orphan is its leftover."""
    _, prepared = both(
        program="import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
    )
    prepared.start()
    prepared.wait(LONG)
    (left,) = prepared.leftovers()
    prepared.close()

    assert _gone(left)


def test_function_and_changes_work_prepared(make, preparation, tmp_path: Path) -> None:
    """A function is called, with its dice pinned and its time scaled, in a fork."""
    (tmp_path / "shop.py").write_text(
        "import random, time\nfrom tenacity.nap import sleep\n"
        "def roll(): time.sleep(100); sleep(100); print(random.random())\n"
    )
    tweaks = Tweaks(time_scale=10_000, pin_random=True, control=True)
    works = [
        make(
            shape="function",
            function="shop:roll",
            calls=2,
            start="prepared",
            preparation=preparation,
            tweaks=tweaks,
        )
        for _ in range(2)
    ]
    for work in works:
        work.start()
        work.wait(LONG)

    assert [work.prepared for work in works] == [[False], [True]]
    assert [work.output for work in works] == ["0.5\n0.5\n"] * 2
    assert [work.tweaked for work in works] == [True, True]
    assert [call.outcome for call in works[1].calls] == ["ok", "ok"]


def test_prepared_process_ends_with_the_run(both, preparation, run) -> None:
    """When the run ends, so do the prepared process and what it forked."""
    _, prepared = both(program="import threading, sys\nif sys.argv[1:]: threading.Event().wait()")
    object.__setattr__(prepared.declaration, "command", ("{python}", "program.py", "stay"))
    prepared.start()
    pids = [*prepared.pids(), prepared._current._process.supervisor]
    run.end()

    assert (prepared.prepared, preparation.why_plain) == ([True], None)
    assert all(map(_gone, pids))


@pytest.mark.parametrize(
    "command",
    [("sh", "-c", "true"), ("{python}", "-u", "program.py"), ("{python}", "-c", "pass"), ("{python}",)],
)
def test_other_commands_start_plainly(make, preparation, command: tuple[str, ...]) -> None:
    """What is no module and no script is started plainly, with the reason."""
    work = make(*command, start="prepared", preparation=preparation)
    (work.folder / "program.py").write_text("")
    work.start()
    work.wait(LONG)

    assert work.prepared == [False]
    assert "not python -m MODULE" in (preparation.why_plain or "")


def test_programs_are_recognized(python: str) -> None:
    """A module or a script has its arguments."""
    assert program_of((python, "-m", "a.b", "-x")) == {"module": "a.b", "arguments": ["-x"]}
    assert program_of((python, "a.py", "1")) == {"script": "a.py", "arguments": ["1"]}


def _gone(pid: int) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], LONG)[0])
    finally:
        os.close(descriptor)
