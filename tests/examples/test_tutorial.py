"""The tutorial, followed to the letter: its gate goes red with the words that the page quotes, and green at its end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FILES = Path(__file__).parent / "tutorial"
NOT_THE_READERS = shutil.ignore_patterns("conftest.py", "fixed", "*.sh", "*.txt", "__pycache__")


def _type(script: str, folder: Path) -> tuple[int, str]:
    """Run a script of the page as its reader does; return the exit status and what was printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}
    command = ["/bin/sh", str(FILES / script)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _says(printed: str, quoted: str) -> bool:
    """Say whether the quoted lines were printed, in their order."""
    lines = [re.escape(line) for line in (FILES / quoted).read_text(encoding="utf-8").splitlines()]
    return re.search("^" + "$.*^".join(lines) + "$", printed, re.MULTILINE | re.DOTALL) is not None


@pytest.mark.timeout(900)  # two whole gates
def test_from_nothing_to_red_to_green(tmp_path: Path) -> None:
    """The test passes, the gate fails as it is quoted, one finding is replayed, and the mended job passes."""
    project = tmp_path / "visits"
    shutil.copytree(FILES, project, ignore=NOT_THE_READERS)
    tested, test_output = _type("test.sh", project)
    red, red_output = _type("gate.sh", project)

    assert (tested, red) == (0, 1), test_output + red_output
    assert _says(red_output, "red.txt"), red_output
    assert _says(red_output, "unwritten.txt"), red_output

    shutil.copytree(FILES / "fixed", project, ignore=NOT_THE_READERS, dirs_exist_ok=True)
    replayed, replay_output = _type("replay.sh", project)
    green, green_output = _type("gate.sh", project)

    assert replayed == 0, replay_output
    assert green == 0, green_output
    assert _says(green_output, "green.txt"), green_output
