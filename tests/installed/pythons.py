"""Find the Python interpreters of this machine that the package names in its classifiers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)")
PROBE = "import ensurepip, venv, sys; print('%d.%d' % sys.version_info[:2])"


def supported(pyproject: Path) -> tuple[str, ...]:
    """Return the versions in the classifiers, such as `3.11`, oldest first."""
    classifiers = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["classifiers"]
    found = [match[1] for line in classifiers if (match := CLASSIFIER.fullmatch(line))]
    return tuple(sorted(found, key=lambda version: int(version.partition(".")[2])))


def find(version: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return an interpreter of that version that runs, from PATH or from pyenv; None where there is none.

    A shim of pyenv is in PATH for every version that is installed, and runs for the chosen ones alone: so each
    candidate is asked what it is.
    """
    return next((path for path in _candidates(version, environment) if _answers(path) == version), None)


def _candidates(version: str, environment: Mapping[str, str]) -> Iterator[Path]:
    on_path = shutil.which(f"python{version}", path=environment.get("PATH", ""))
    if on_path:
        yield Path(on_path)
    home = Path(environment.get("PYENV_ROOT") or Path(environment.get("HOME", "/nowhere")) / ".pyenv")
    yield from sorted((home / "versions").glob(f"{version}.*/bin/python"), key=_patch, reverse=True)


def _patch(python: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", python.parents[1].name))


def _answers(python: Path) -> str | None:
    """Return the version that an interpreter says it is, None where it does not run or cannot make environments."""
    done = subprocess.run([str(python), "-c", PROBE], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
