"""A run's working folder: a private copy of the configuration's, so that no run finds what another left behind."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.known_state.fresh_folder import FreshFolder, FreshFolders
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.own_environment import own_environment
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder

CACHES = ("__pycache__", "resilience-report")
VENV_MARK = "pyvenv.cfg"
CACHE_MARK = "CACHEDIR.TAG"


def working_folders(pool: ServicePool, configuration: Configuration) -> FreshFolders:
    """Return the copies of a configuration's folder; the original is read once in a run.

    Raises:
        HarnessError: it could not be made.
    """
    unique = hashlib.sha256(repr((configuration.folder, configuration.copy, configuration.link)).encode())
    name = f"pristine-{unique.hexdigest()[:12]}"
    pristine = Path(pool.run.once(name, lambda: _make(pool.run, name, configuration))["folder"])

    def clone() -> FreshFolder:
        folder = pool.run.folder("working") / secrets.token_hex(6)
        _clone(pristine, folder)
        return FreshFolder(folder, pristine)

    return pool.shelf(f"folders {name}", lambda: FreshFolders(clone))


def _make(run: RunFolder, name: str, configuration: Configuration) -> dict[str, str]:
    pristine = run.folder(name)
    linked = tuple(Path(link) for link in configuration.link)
    for relative in _wanted(configuration):
        if not any(relative.is_relative_to(link) for link in linked):
            _copy(configuration.folder, relative, pristine)
    for link in linked:
        (pristine / link).parent.mkdir(parents=True, exist_ok=True)
        (pristine / link).symlink_to((configuration.folder / link).absolute())
    return {"folder": str(pristine)}


def _wanted(configuration: Configuration) -> Iterator[Path]:
    """Yield what is copied, relative to the configuration's folder; something may come twice."""
    folder = configuration.folder
    tracked = _known_to_git(folder)
    yield from _visible(folder) if tracked is None else tracked
    for added in configuration.copy:
        if (folder / added).is_dir() and not (folder / added).is_symlink():
            yield from (path.relative_to(folder) for path in (folder / added).rglob("*"))
        else:
            yield Path(added)


def _known_to_git(folder: Path) -> list[Path] | None:
    """Return what git tracks or does not ignore; none outside git, or where all of the folder is ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        found = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            check=False,
            env=_git_environment(),
        )
    except OSError:
        return None
    if found.returncode != 0 or not found.stdout:
        return None
    paths = (Path(os.fsdecode(name)) for name in found.stdout.split(b"\0") if name)
    return [path for path in paths if not _is_left_out(folder, path)]


def _git_environment() -> dict[str, str]:
    """Return an environment in which git looks at where it is run, and not where a hook has told it to look."""
    elsewhere = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
    kept = {name: value for name, value in own_environment().items() if name not in elsewhere}
    return {**kept, "GIT_OPTIONAL_LOCKS": "0"}


def _is_left_out(folder: Path, relative: Path) -> bool:
    """Tell whether a path is below a virtual environment or a cache that nobody told git to ignore."""
    return any(_is_cache(folder / above) for above in relative.parents if above != Path())


def _visible(folder: Path) -> Iterator[Path]:
    for above, folders, files in os.walk(folder):
        here = Path(above)
        folders[:] = [name for name in folders if not name.startswith(".") and not _is_cache(here / name)]
        links = [name for name in folders if (here / name).is_symlink()]
        yield from ((here / name).relative_to(folder) for name in (*folders, *links, *files))


def _is_cache(folder: Path) -> bool:
    return folder.name in CACHES or (folder / VENV_MARK).exists() or (folder / CACHE_MARK).exists()


def _copy(folder: Path, relative: Path, target: Path) -> None:
    """Copy one file, link or folder; what is tracked but not there any more, or no file at all, is left out."""
    source, copied = folder / relative, target / relative
    copied.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        if not copied.is_symlink():
            copied.symlink_to(_where_to(source, folder))
    elif source.is_file():
        shutil.copy2(source, copied)
    elif source.is_dir():
        copied.mkdir(parents=True, exist_ok=True)
        if (source / ".git").exists():  # a submodule: git names it, and not what is in it
            for inner in _known_to_git(source) or ():
                _copy(folder, relative / inner, target)


def _where_to(link: Path, folder: Path) -> Path:
    """Return what a copied link says: as it is within the folder, else absolute."""
    to = link.readlink()
    if not to.is_absolute() and not Path(os.path.normpath(link.parent / to)).is_relative_to(folder):
        return (link.parent / to).absolute()
    return to


def _clone(pristine: Path, folder: Path) -> None:
    """Copy with what the system has: it takes a third of the time of a loop of ours, and runs beside us."""
    folder.mkdir(mode=0o700)
    copied = subprocess.run(
        ["cp", "-a", f"{pristine}/.", str(folder)],  # noqa: S607 - whichever cp the system has
        env=own_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if copied.returncode != 0:
        raise HarnessError(f"the working folder could not be copied to {folder}: {copied.stderr.strip()}")
