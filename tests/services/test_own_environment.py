"""Children start while other threads change the environment, as tests that set variables do."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest_resilience
from pytest_resilience.services.own_environment import own_environment

PACKAGE = Path(pytest_resilience.__file__).parent
WITHOUT_THREADS = {"guardian.py", "supervisor.py"}
"""Programs of their own that start children before anything else runs in them."""


def test_children_start_while_variables_are_set_and_taken_away() -> None:
    """One in ten failed with EFAULT when they were given no copy."""
    over = threading.Event()

    def change() -> None:
        number = 0
        while not over.is_set():
            number += 1
            os.environ[f"CHANGING_{number % 50}"] = "x" * (number % 900)
            os.environ.pop(f"CHANGING_{(number + 25) % 50}", None)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        ended = [
            subprocess.Popen([shutil.which("true") or "true"], env=own_environment()).wait()
            for _ in range(150)
        ]
    finally:
        over.set()
        thread.join()
        for number in range(50):
            os.environ.pop(f"CHANGING_{number}", None)

    assert ended == [0] * 150


def test_every_child_is_given_a_copy() -> None:
    """Nothing that runs beside tests leaves it to the system to look the environment up."""
    without = [
        f"{path.name}:{call.lineno}"
        for folder in ("services", "chaos")
        for path in (PACKAGE / folder).rglob("*.py")
        if path.name not in WITHOUT_THREADS
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in {"subprocess.Popen", "subprocess.run"}
        and not any(keyword.arg == "env" for keyword in call.keywords)
    ]

    assert without == []
