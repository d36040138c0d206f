"""What git says of a folder."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path


def below_root(folder: Path) -> str:
    """Return where a folder stands in its repository, as what comes before a path there: `svc/`; empty at its root."""
    return git(folder, "rev-parse", "--show-prefix") or ""


def git(folder: Path, *arguments: str) -> str | None:
    """Return what a git command prints, stripped; none where it fails, or there is no git."""
    done = _run(folder, *arguments)
    return done.stdout.strip() if done is not None and done.returncode == 0 else None


def why_no_commit(folder: Path) -> str:
    """Say why git tells no commit of a folder; it refuses one of another user, as containers mount it."""
    done = _run(folder, "rev-parse", "HEAD")
    if done is not None and "dubious ownership" in done.stderr:
        return (
            "git refuses this folder, which belongs to another user: "
            f"git config --global --add safe.directory {shlex.quote(str(folder))}"
        )
    return "there is no git commit here"


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """Run git, whose words are English and whose names of files are as Python has them, whatever the locale."""
    try:
        return subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            cwd=folder,
            capture_output=True,
            encoding=sys.getfilesystemencoding(),
            errors="surrogateescape",
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except OSError:
        return None
