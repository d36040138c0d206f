"""Where a report comes from: the commit, the configuration, the engines."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from pytest_resilience.report.git import git


def engines_of(told: str) -> dict[str, str]:
    """Return the engines by name, as the header tells them."""
    pairs = (part.strip().partition(" ") for part in told.split(","))
    names = {"PostgreSQL": "postgres", "MLflow": "mlflow"}
    return {names.get(name, name): engine for name, _, engine in pairs}


def digest_of(file: Path | None) -> str | None:
    """Return what a file's content comes to; none where there is no file."""
    return None if file is None else hashlib.sha256(file.read_bytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is tested.

    Args:
        name: its hash; none outside of git.
        changed: the files that differ from it, as far as git tells.
        dirty: whether any does; none outside of git.
    """

    name: str | None = None
    changed: tuple[str, ...] = ()
    dirty: bool | None = None


def commit_of(folder: Path, report: Path, *, covered: bool = False) -> Commit:
    """Return the git commit, and which files differ from it but for what the test run itself has written.

    Args:
        folder: the project's.
        report: the folder of the report.
        covered: whether pytest-cov measures; its data are no files of the project.
    """
    head = git(folder, "rev-parse", "HEAD")
    if head is None:
        return Commit()
    top = git(folder, "rev-parse", "--show-toplevel")
    inside = top is not None and report.resolve().is_relative_to(Path(top).resolve())
    aside = [f":(exclude){os.path.relpath(report.resolve(), folder.resolve())}"] if inside else []
    aside += [":(exclude).coverage", ":(exclude).coverage.*"] if covered else []
    told = git(folder, "status", "--porcelain", "--", ".", *aside)
    changed = tuple(line.split(maxsplit=1)[-1] for line in (told or "").splitlines())
    return Commit(head, changed, dirty=told is None or bool(changed))


def is_of_a_whole_run(folder: Path) -> bool:
    """Tell whether a folder has the report of a checklist of which nothing was left out."""
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        return bool(report["gate"]["asked"]) and not report["left_out"] and report["shard"] is None
    except (OSError, ValueError, LookupError, TypeError):
        return False
