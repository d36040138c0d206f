"""PostgreSQL and MLflow in containers: of docker-compose.yml's images, on loopback, and gone with their run."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_here import ROOT, engine_with, image, of_run, wait_for

from pytest_resilience.errors import HarnessError
from pytest_resilience.services import mlflow_docker, postgres_docker
from pytest_resilience.services.compose_file import image_of
from pytest_resilience.services.container import OWNER, WHERE, remove_left_behind
from pytest_resilience.services.docker_backend import DockerBackend
from pytest_resilience.services.docker_engine import version_in
from pytest_resilience.services.fresh_mlflow import KnownState
from pytest_resilience.services.mlflow import STORE, MlflowAddress
from pytest_resilience.services.mlflow_rest import MlflowRest
from pytest_resilience.services.run_folder import RunFolder

NO_IMAGE = "example.invalid/no/such/image:1"


@pytest.fixture
def engine() -> Iterator[Any]:
    """An engine that has PostgreSQL's image."""
    with engine_with("postgres") as opened:
        yield opened


@pytest.mark.parametrize(
    ("service", "default"),
    [("postgres", postgres_docker.DEFAULT_IMAGE), ("mlflow", mlflow_docker.DEFAULT_IMAGE)],
)
def test_default_is_the_image_of_our_compose_file(service: str, default: str) -> None:
    """One version is pinned, in two places that cannot differ."""
    assert image_of(ROOT, service, default="none") == default


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("postgres:18.6-bookworm", "18.6-bookworm"),
        ("x/mlflow:v3.17.2", "3.17.2"),
        ("x/mlflow:main", "x/mlflow:main"),
    ],
)
def test_version_is_that_of_the_tag(name: str, version: str) -> None:
    """The header tells it before a container runs; a tag that is no version is told whole."""
    assert version_in(name) == version


def test_missing_engine_is_told(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says where it was looked for, and what needs none."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    with pytest.raises(
        HarnessError, match=r"no Docker engine answers at unix:///nowhere.*--chaos-backend=embedded"
    ):
        DockerBackend.find(run, ROOT)


@pytest.mark.parametrize("service", ["postgres", "mlflow"])
def test_missing_image_is_told(engine: Any, run: RunFolder, tmp_path: Path, service: str) -> None:
    """The error names it, with the command that shows more."""
    (tmp_path / "docker-compose.yml").write_text(f"services:\n  {service}: {{image: '{NO_IMAGE}'}}\n")
    backend = DockerBackend.find(run, tmp_path)

    with pytest.raises(
        HarnessError, match=f"no image {NO_IMAGE} and could not fetch .*docker pull {NO_IMAGE}"
    ):
        backend.postgres(run, loopback=False) if service == "postgres" else backend.mlflow(run)
    assert of_run(engine, run.owner) == []


def test_postgres_from_start_to_end(engine: Any, run: RunFolder, tmp_path: Path) -> None:
    """It listens on loopback, may do little, is behind a password, and goes with its volume and the run."""
    address = DockerBackend.find(run, tmp_path).postgres(run, loopback=False)
    (container,) = of_run(engine, run.owner)
    with address.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select current_setting('fsync'), current_setting('server_version')")
        seen = cursor.fetchone()
    address.create_database("one")
    address.drop_database("one")
    volumes = {mount["Name"] for mount in container.attrs["Mounts"]}
    allowed = container.attrs["HostConfig"]
    orders = list((run.path / "containers").iterdir())
    log = Path(address.log).read_text()
    run.end()

    assert allowed["PortBindings"] == {"5432/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(address.port)}]}
    assert (allowed["AutoRemove"], allowed["CapDrop"], allowed["SecurityOpt"]) == (
        True,
        ["ALL"],
        ["no-new-privileges"],
    )
    assert container.name.startswith(f"pytest-resilience-postgres-{run.owner}-")
    assert container.labels["pytest-resilience"] == "postgres"
    assert (seen, orders) == (("off", address.version), [])
    assert "ready to accept connections" in log
    assert address.password not in log
    assert of_run(engine, run.owner) == []
    assert volumes.isdisjoint(volume.name for volume in engine.volumes.list())


def registered(address: MlflowAddress) -> list[str]:
    """Return the names of the models in a registry."""
    models = MlflowRest(address.url).pages("GET", "registered-models/search", "registered_models")
    return [found["name"] for found in models]


def test_mlflow_is_put_back_as_it_was(run: RunFolder, tmp_path: Path) -> None:
    """A server in a container keeps its files in the run's folder, where its state is remembered and put back."""
    with engine_with("mlflow") as engine:
        backend = DockerBackend.find(run, tmp_path)
        fresh = backend.fresh_mlflow(
            KnownState(run, "registry"),
            lambda address: (
                MlflowRest(address.url).ask("POST", "registered-models/create", {"name": "known"}) and None
            ),
        )
        MlflowRest(fresh.address.url).ask("POST", "registered-models/create", {"name": "new"})
        before = registered(fresh.address)
        fresh.reset()
        after = registered(fresh.address)
        (container,) = of_run(engine, run.owner)
        ports = container.attrs["HostConfig"]["PortBindings"]
        owner_of_store = (fresh.folder / STORE).stat().st_uid
        fresh.child.stop()

        assert ports == {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(fresh.address.port)}]}
        assert (before, after, owner_of_store) == (["known", "new"], ["known"], os.geteuid())
        assert of_run(engine, run.owner) == []


OWNER_PROGRAM = """
import sys, threading
from pathlib import Path
from pytest_resilience.services.docker_backend import DockerBackend
from pytest_resilience.services.run_folder import RunFolder

run = RunFolder.make()
DockerBackend.find(run, Path(sys.argv[1])).postgres(run, loopback=False)
print(run.path, flush=True)
threading.Event().wait()
"""


def owner_of_a_container(folder: Path) -> subprocess.Popen[str]:
    """Start a process that owns one."""
    return subprocess.Popen(
        [sys.executable, "-c", OWNER_PROGRAM, str(folder)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_killed_run_leaves_no_container(engine: Any, tmp_path: Path, end: signal.Signals) -> None:
    """Whatever ends the run, SIGKILL too, its container goes, and its folder."""
    with owner_of_a_container(tmp_path) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        running = of_run(engine, owner.pid)
        owner.send_signal(end)
    wait_for(lambda: of_run(engine, owner.pid) == [])
    wait_for(lambda: not folder.exists())

    assert len(running) == 1


def kept_by(folder: Path) -> list[int]:
    """Return the guardian and the keeper of the container of a run."""
    guardians = [int(entry.name) for entry in (folder / "guardians").iterdir()]
    children = [Path(f"/proc/{pid}/task/{pid}/children").read_text().split() for pid in guardians]
    return [*guardians, *(int(pid) for found in children for pid in found)]


def test_next_run_removes_what_a_killed_machine_of_processes_left(engine: Any, tmp_path: Path) -> None:
    """Where even the keeper was killed, the next run removes the container, and no other."""
    with owner_of_a_container(tmp_path) as alive, owner_of_a_container(tmp_path) as killed:
        assert alive.stdout is not None
        assert killed.stdout is not None
        alive.stdout.readline()
        folder = Path(killed.stdout.readline().strip())
        for pid in [*kept_by(folder), killed.pid]:
            os.kill(pid, signal.SIGKILL)
        killed.wait()
        (left,) = of_run(engine, killed.pid)
        elsewhere = engine.containers.create(
            image("postgres"),
            labels={**left.labels, WHERE: "another machine"},
            name=f"t{secrets.token_hex(8)}",
        )
        removed = remove_left_behind(engine)
        remaining = {found.id for found in of_run(engine, killed.pid)}
        of_the_living = of_run(engine, alive.pid)
        elsewhere.remove(v=True)
        alive.kill()
    wait_for(lambda: of_run(engine, alive.pid) == [])

    assert removed == [left.name]
    assert remaining == {elsewhere.id}
    assert len(of_the_living) == 1
    assert left.labels[OWNER] == str(killed.pid)
