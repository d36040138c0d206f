"""Run tests against the installed wheel: `make pythons`, `make lowest`, `make latest`.

The wheel and the source distribution are built and checked; each environment gets the wheel and its dependencies, and
the tests run from the unpacked source distribution, without the package in it: what is imported is the wheel.

- `pythons`: each supported Python that is on this machine, with the locked dependencies;
- `lowest`: the oldest Python found, with the lowest versions that `pyproject.toml` allows for each extra;
- `latest`: the newest Python found, with the newest versions that the package index has.

What stands behind the name goes to pytest instead of the stated subset: `run.py pythons tests/runtime -k retry`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from pythons import find, supported

ROOT = Path(__file__).parents[2]
HERE = ROOT / "build" / "installed"
SUBSET = (
    "tests/runtime",
    "tests/report",
    "tests/services/test_postgres.py",
    "tests/services/test_mlflow.py",
    "tests/plugin/test_fixtures.py",
    "tests/chaos/configuration",
    "tests/examples/readme",
    "tests/test_clock.py",
    "tests/test_errors.py",
    "tests/test_events.py",
    "tests/test_public_api.py",
    "tests/test_testing.py",
)
"""The runtime, and of the rest what meets a dependency: servers, clients, pytest's own interfaces, YAML."""

UV = (sys.executable, "-m", "uv")


@dataclass(frozen=True, slots=True)
class Built:
    """What was built.

    Args:
        wheel: the wheel.
        tree: the unpacked source distribution, without the package.
    """

    wheel: Path
    tree: Path


def build(folder: Path) -> Built:
    """Build wheel and source distribution into `folder`, and have twine check both."""
    shutil.rmtree(folder, ignore_errors=True)
    distributions = folder / "dist"
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(distributions), str(ROOT))
    (wheel,) = distributions.glob("*.whl")
    (source,) = distributions.glob("*.tar.gz")
    _run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(source))
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    tree = folder / source.name.removesuffix(".tar.gz")
    shutil.rmtree(tree / "pytest_resilience")
    (
        tree / "pytest_resilience"
    ).mkdir()  # the configuration names it; a folder without modules hides no package
    return Built(wheel, tree)


def environment(name: str, version: str, python: Path, built: Built) -> Path:
    """Make an environment with the wheel and what `name` says of its dependencies; return its Python."""
    folder = built.tree.parent / f"{name}-{version}"
    _run(*UV, "venv", "--quiet", "--clear", "--no-project", "--python", str(python), str(folder))
    inside = folder / "bin" / "python"
    pip = (*UV, "pip", "install", "--quiet", "--python", str(inside))
    if name == "pythons":
        _run(*pip, "--require-hashes", "-r", str(ROOT / "requirements" / "dev.txt"))
        _run(*pip, "--no-deps", str(built.wheel))
        return inside
    group = ("--group", f"{ROOT / 'pyproject.toml'}:dev")
    if name == "lowest":
        group += ("--constraint", str(_lowest(inside, folder)))
    _run(*pip, "--upgrade", f"{built.wheel}[all]", *group)
    return inside


def test(python: Path, built: Built, arguments: list[str]) -> bool:
    """Run tests in an environment, and say whether they passed."""
    where = "import pytest_resilience, sys; print(pytest_resilience.__file__.startswith(sys.prefix))"
    if _run(str(python), "-c", where, cwd=built.tree).strip() != "True":
        raise SystemExit(f"{python} imports another package than the installed wheel")
    command = [str(python), "-m", "pytest", "--chaos", "-q", "-p", "no:cacheprovider", *(arguments or SUBSET)]
    return subprocess.run(command, cwd=built.tree, check=False).returncode == 0


def main(arguments: list[str]) -> int:
    """Try the Pythons that there are; return 1 where tests failed or there is no Python at all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=("pythons", "lowest", "latest"))
    wanted, rest = parser.parse_known_args(arguments)
    versions = supported(ROOT / "pyproject.toml")
    there = {version: path for version in versions if (path := find(version))}
    chosen = {"pythons": list(there), "lowest": list(there)[:1], "latest": list(there)[-1:]}[wanted.name]
    built = build(HERE)
    passed = {}
    for version in chosen:
        _say(f"{wanted.name}: Python {version}, {there[version]}")
        passed[version] = test(environment(wanted.name, version, there[version], built), built, rest)
    for version in versions:
        if version not in there:
            _say(f"Python {version}: not tried, none is in PATH or under pyenv")
        elif version in passed:
            _say(f"Python {version}: {'passed' if passed[version] else 'FAILED'}")
    return int(not passed or not all(passed.values()))


def _lowest(python: Path, folder: Path) -> Path:
    """Return a file with the lowest version of each direct dependency of the extras."""
    file = folder / "lowest.txt"
    lowest = (*UV, "pip", "compile", "--quiet", "--resolution", "lowest-direct", "--python", str(python))
    _run(*lowest, "--extra", "all", str(ROOT / "pyproject.toml"), "--output-file", str(file))
    return file


def _run(*command: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
