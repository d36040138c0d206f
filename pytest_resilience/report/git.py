"""What git says of a folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def below_root(folder: Path) -> str:
    """Return where a folder stands in its repository, as what comes before a path there: `svc/`; empty at its root."""
    return git(folder, "rev-parse", "--show-prefix") or ""


def git(folder: Path, *arguments: str) -> str | None:
    """Return what a git command prints, stripped; none where it fails, or there is no git."""
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
