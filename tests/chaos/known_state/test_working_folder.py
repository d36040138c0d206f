"""A working folder holds what git tracks or does not ignore, and is each run's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.known_state import fresh_folder
from pytest_resilience.services.pool import ServicePool


def files_of(folder: Path) -> set[str]:
    """Return the files and links below a folder."""
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or path.is_file()
    }


def write(folder: Path, *names: str) -> None:
    """Write files that hold their own names."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The empty folder of a team."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def repository(home: Path) -> Path:
    """A git repository with tracked, new, ignored and deleted files."""
    write(home, "tracked.py", "data/rows.csv", "gone.py", "é ü.txt")
    write(
        home,
        ".gitignore",
        "ignored/model.bin",
        "ignored/big/blob",
        "cache.db",
        ".venv/pyvenv.cfg",
        ".venv/x.py",
    )
    (home / ".gitignore").write_text("ignored/\ncache.db\n")
    for command in ("init -q", "add tracked.py data gone.py .gitignore"):
        subprocess.run(["git", *command.split()], cwd=home, check=True)  # noqa: S607
    (home / "gone.py").unlink()
    write(home, "new.py", "resilience-report/report.json")
    return home


def configuration(folder: Path, **more) -> Configuration:
    """Return a configuration of that folder."""
    return Configuration(folder=folder, scenarios=folder / "scenarios", **more)


def test_what_git_knows(repository, begin):
    """Tracked and new files are there, ignored ones, environments and our own reports are not."""
    folder = begin(configuration(repository)).folder

    assert files_of(folder) == {"tracked.py", "data/rows.csv", ".gitignore", "new.py", "é ü.txt"}


def test_copy_and_link(repository, begin):
    """`copy` adds ignored paths, and what is in a linked folder is the original."""
    folder = begin(configuration(repository, copy=("ignored/model.bin", "cache.db"), link=("data",))).folder

    assert {"ignored/model.bin", "cache.db", "data"} <= files_of(folder)
    assert "ignored/big/blob" not in files_of(folder)
    assert (folder / "data" / "rows.csv").samefile(repository / "data" / "rows.csv")


def test_copy_of_a_folder(repository, begin):
    """A folder is added with all that is in it."""
    folder = begin(configuration(repository, copy=("ignored",))).folder

    assert {"ignored/model.bin", "ignored/big/blob"} <= files_of(folder)


def test_below_the_repository(repository, begin):
    """A configuration in a sub-folder has that folder alone."""
    assert files_of(begin(configuration(repository / "data")).folder) == {"rows.csv"}


def test_outside_git(home, begin):
    """Without git there is everything but hidden folders, environments and caches."""
    write(home, "a.py", "data/rows.csv", ".env", ".git-not/x", "venv/pyvenv.cfg", "venv/lib/x.py")
    write(home, "pkg/__pycache__/a.pyc", "pkg/a.py", "tool/CACHEDIR.TAG", "tool/x")
    (home / "empty").mkdir()
    folder = begin(configuration(home)).folder

    assert files_of(folder) == {"a.py", "data/rows.csv", ".env", "pkg/a.py"}
    assert (folder / "empty").is_dir()


def test_each_run_has_its_own(repository, begin):
    """What one writes in place, adds or removes, neither the next one nor the original has."""
    first = begin(configuration(repository)).folder
    with (first / "tracked.py").open("r+") as stream:
        stream.write("changed")
    (first / "data" / "rows.csv").unlink()
    write(first, "checkpoint.json")
    others = [begin(configuration(repository)).folder for _ in range(3)]

    assert {frozenset(files_of(folder)) for folder in others} == {
        frozenset({"tracked.py", "data/rows.csv", ".gitignore", "new.py", "é ü.txt"})
    }
    assert {(folder / "tracked.py").read_text() for folder in [*others, repository]} == {"tracked.py"}
    assert len({first, *others}) == 4


def test_links_modes_and_times_stay(home, begin):
    """A relative link inside stays one, one that leads out becomes absolute; scripts stay executable."""
    write(home, "run.sh", "data/rows.csv")
    write(home.parent, "outside.txt")
    (home / "run.sh").chmod(0o755)
    os.utime(home / "run.sh", (1_000_000_000, 1_000_000_000))
    (home / "inside").symlink_to("data/rows.csv")
    (home / "out").symlink_to("../outside.txt")
    (home / "folder").symlink_to("data")
    (home / "nowhere").symlink_to("missing")
    folder = begin(configuration(home)).folder

    assert (folder / "inside").resolve() == folder.resolve() / "data" / "rows.csv"
    assert (folder / "folder").resolve() == folder.resolve() / "data"
    assert (folder / "out").read_text() == "outside.txt"
    assert (folder / "nowhere").is_symlink()
    assert ((folder / "run.sh").stat().st_mode & 0o777, (folder / "run.sh").stat().st_mtime) == (0o755, 1e9)


def test_folder_is_the_sandboxes(begin):
    """It is there as long as the sandbox is; without a configuration it is empty."""
    sandbox = begin()
    folder = sandbox.folder
    assert (sandbox.folder, list(folder.iterdir())) == (folder, [])
    sandbox.close()

    assert not folder.exists()


def spoil(folder: Path) -> None:
    """Do to a folder what a workload might."""
    here = (folder / "tracked.py").stat()
    with (folder / "tracked.py").open("r+") as stream:
        stream.write("T")
    os.utime(folder / "tracked.py", ns=(here.st_atime_ns, here.st_mtime_ns))  # as if it had not been touched
    os.link(folder / "new.py", folder.parent / f"{folder.name}-link")
    (folder / "é ü.txt").unlink()
    (folder / "é ü.txt").mkdir()
    write(folder, "é ü.txt/inner", "added/deep/er", "added.db")
    shutil.rmtree(folder / "data")
    (folder / "data").symlink_to("/")
    (folder / ".gitignore").chmod(0o777)


def test_folder_is_put_back_for_the_next(repository, begin):
    """Changed in place with its old time, replaced, added, removed, linked: the next one finds all as it was."""
    first = begin(configuration(repository))
    folder, modes = first.folder, {}
    for name in files_of(folder):
        modes[name] = (folder / name).lstat().st_mode
    for _ in range(2):
        spoil(folder)
        first.close()
        outside = folder.parent / f"{folder.name}-link"
        outside.write_text("written through the link")
        outside.unlink()
        first = begin(configuration(repository))
        assert first.folder == folder

    assert {name: (folder / name).lstat().st_mode for name in files_of(folder)} == modes
    assert {name: (folder / name).read_text() for name in modes if name != ".gitignore"} == {
        name: name for name in modes if name != ".gitignore"
    }


def test_compiled_modules_stay(repository, begin):
    """The next run need not compile again what has not changed; nothing else stays in their folder."""
    first = begin(configuration(repository))
    folder = first.folder
    write(folder, "__pycache__/tracked.cpython-311.pyc", "__pycache__/state.db")
    first.close()

    assert begin(configuration(repository)).folder == folder
    assert [path.name for path in (folder / "__pycache__").iterdir()] == ["tracked.cpython-311.pyc"]


def test_folder_that_cannot_be_put_back_goes(repository, begin, monkeypatch):
    """The next one gets another."""
    first = begin(configuration(repository))
    folder = first.folder
    monkeypatch.setattr(fresh_folder, "_remove", _refuse)
    write(folder, "added")
    first.close()

    assert not folder.exists()
    assert "added" not in files_of(begin(configuration(repository)).folder)


def _refuse(path: Path) -> None:
    raise PermissionError(path)


def test_git_is_asked_for_this_folder(repository, begin, monkeypatch):
    """Variables by which git looks at another repository, as hooks set them, change nothing."""
    monkeypatch.setenv("GIT_DIR", "/nowhere/.git")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")

    assert "ignored/model.bin" not in files_of(begin(configuration(repository)).folder)


def test_submodule_is_copied(home, tmp_path, begin):
    """What is in a repository inside the repository is there too."""
    inner = home / "vendor"
    write(inner, "lib.py")
    for command in ("init -q", "add lib.py", "-c user.name=x -c user.email=x@x commit -qm x"):
        subprocess.run(["git", *command.split()], cwd=inner, check=True)  # noqa: S607
    subprocess.run(["git", "init", "-q"], cwd=home, check=True)  # noqa: S607
    subprocess.run(["git", "add", "vendor"], cwd=home, check=True, capture_output=True)  # noqa: S607

    assert files_of(begin(configuration(home)).folder) == {"vendor/lib.py"}


def test_pool_reads_the_original_once(repository, pool: ServicePool, begin):
    """A file that appears later is not in the folders of this run: all runs begin alike."""
    first = files_of(begin(configuration(repository)).folder)
    write(repository, "later.py")

    assert files_of(begin(configuration(repository)).folder) == first
