"""A real MLflow tracking server in a container of its own, on a loopback port; its files are below the run folder."""

from __future__ import annotations

import os

from pytest_resilience.services.container import run_container
from pytest_resilience.services.docker_engine import version_in
from pytest_resilience.services.mlflow import ARTIFACTS, ENVIRONMENT, STORE, MlflowAddress, healthy
from pytest_resilience.services.process import ChildProcess, ServiceStartError
from pytest_resilience.services.quiet_port import on_quiet_port
from pytest_resilience.services.run_folder import RunFolder

COMPOSE_SERVICE = "mlflow"
DEFAULT_IMAGE = "ghcr.io/mlflow/mlflow:v3.17.2"
"""For projects whose docker-compose.yml names none."""
PORT = 5000
FOLDER = "/mlflow"
START_TIMEOUT = 180.0


def start_mlflow_container(
    run: RunFolder, image: str, name: str = "mlflow"
) -> tuple[ChildProcess, MlflowAddress]:
    """Start a tracking server in a container.

    Args:
        run: the folder and the owner of the container.
        image: the engine has it.
        name: the sub-folder of the run in which it keeps its files, as an embedded server does.

    Raises:
        ServiceStartError: it did not start, or keeps its files on another machine.
    """
    return on_quiet_port(lambda port: _start(run, image, name, port))


def _start(run: RunFolder, image: str, name: str, port: int) -> tuple[ChildProcess, MlflowAddress]:
    folder = run.folder(name)
    settings = {
        "command": [
            *("mlflow", "server", "--workers=1", "--host=0.0.0.0", f"--port={PORT}"),
            f"--backend-store-uri=sqlite:///{FOLDER}/{STORE}",
            f"--artifacts-destination={FOLDER}/{ARTIFACTS}",
        ],
        "environment": {**ENVIRONMENT, "HOME": FOLDER},
        "user": f"{os.geteuid()}:{os.getegid()}",
        "volumes": {str(folder): {"bind": FOLDER, "mode": "rw"}},
        "working_dir": FOLDER,
        "ports": {f"{PORT}/tcp": ["127.0.0.1", port]},
        "cap_drop": ["ALL"],
    }
    log = folder / "server.log"
    child = run_container(run, "mlflow", image=image, title="MLflow", log=log, settings=settings)
    address = MlflowAddress(host="127.0.0.1", port=port, version=version_in(image), log=str(log))
    child.wait_until(lambda: healthy(address), timeout=START_TIMEOUT)
    if not (folder / STORE).is_file():
        child.stop()
        raise ServiceStartError(
            f"MLflow in a container of {image} serves, and {folder / STORE} is not there: the Docker engine "
            "sees other files than this process; run the tests where the engine runs"
        )
    return child, address
