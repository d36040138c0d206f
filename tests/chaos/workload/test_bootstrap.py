"""A Python workload changes itself at its start without a change to its code, and where it cannot, that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_resilience.chaos.workload.control import Tweaks

LONG = 60.0
PINNED = Tweaks(pin_random=True)


def test_users_own_sitecustomize_runs(make, tmp_path: Path) -> None:
    """A `sitecustomize` on the user's path runs as ever, and nothing of ours is left on the path."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("print('mine')\nvalue = 5\n")
    program = (
        "import sys, sitecustomize; print(sitecustomize.value, [p for p in sys.path if 'bootstrap' in p])"
    )
    work = make(program=program, env={"PYTHONPATH": str(tmp_path / "site")}, tweaks=PINNED)
    work.start()
    work.wait(LONG)

    assert work.output == "mine\n5 []\n"
    assert work.tweaked


def test_error_in_the_users_own_is_theirs(make, tmp_path: Path) -> None:
    """Python tells of it as without us, and our changes are made."""
    (tmp_path / "sitecustomize.py").write_text("raise RuntimeError('woe')")
    work = make(program="print('on')", env={"PYTHONPATH": str(tmp_path)}, tweaks=PINNED)
    work.start()
    work.wait(LONG)

    assert "RuntimeError: woe" in work.stderr
    assert work.stdout == "on\n"
    assert work.tweaked


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("{python}", "-I", "-c", "pass"), "it runs with -I"),
        (("{python}", "-uE", "-c", "pass"), "it runs with -uE"),
        (("{python}", "-S", "-c", "pass"), "it runs with -S"),
        (("sh", "-c", "true"), "only Python workloads can be changed inside"),
        (("env", "-i", "{python}", "-c", "pass"), "no Python reported"),
    ],
)
def test_what_cannot_be_changed_is_said(make, command: tuple[str, ...], why: str) -> None:
    """A process that never reported has the likely reason."""
    work = make(*command, tweaks=PINNED)
    work.start()

    assert work.wait(LONG) == 0
    assert work.tweaked is False
    assert why in (work.untweaked_reason or "")


def test_python_below_a_shell_is_changed(make) -> None:
    """A shell script that starts Python is as good."""
    work = make("sh", "-c", '"$0" -c "import random; print(random.random())"', "{python}", tweaks=PINNED)
    work.start()
    work.wait(LONG)

    assert work.stdout == "0.5\n"
    assert work.tweaked


def test_workload_does_without_the_harness(make) -> None:
    """A process that cannot reach the harness, and its forks and daemons, run as ever."""
    program = """
import os, sys, time
if os.fork() == 0:
    os.closerange(3, 1000)
    open("child", "w").write("done"); os._exit(0)
os.wait(); print(open("child").read())
"""
    work = make(program=program, tweaks=Tweaks(pin_random=True, control=True, time_scale=2))
    work.inside.close()
    work.start()

    assert work.wait(LONG) == 0
    assert work.output == "done\n"
    assert work.tweaked is False
