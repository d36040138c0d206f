"""A real MLflow tracking server of our own: `mlflow server` on SQLite, artifacts served through it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from pytest_resilience.services.own_environment import own_environment
from pytest_resilience.services.process import ChildProcess, Command, ServiceStartError, on_free_port
from pytest_resilience.services.run_folder import RunFolder

START_TIMEOUT = 120.0
STORE = "store.db"
ARTIFACTS = "artifacts"
OF_THE_RUN = "mlflow"
"""The sub-folder of the server that all tests of a run share."""
ENVIRONMENT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven more processes that no registry call needs
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MlflowAddress:
    """Where a tracking server is; `given` is the whole URL, with its login and path, of one that is not ours."""

    host: str
    port: int
    version: str
    log: str
    given: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """The tracking URI around the proxy."""
        return self.given or f"http://{self.host}:{self.port}"

    @property
    def upstream(self) -> str:
        """The address as the proxy takes it."""
        return f"{self.host}:{self.port}"


def start_mlflow(run: RunFolder, name: str = OF_THE_RUN) -> tuple[ChildProcess, MlflowAddress]:
    """Start a tracking server that keeps everything below the run folder.

    Args:
        run: the folder and the owner of the process.
        name: its sub-folder; what it stores is in `STORE` and `ARTIFACTS` there.

    Raises:
        ServiceStartError: MLflow is not installed, or its server did not start.
    """
    version = mlflow_version()
    folder = run.folder(name)
    store = folder / STORE
    prepared = _PreparedStore(version)
    prepared.copy_to(store)
    try:
        started = on_free_port(lambda port: _start(run, folder, store, port))
    except ServiceStartError:
        prepared.discard()
        raise
    prepared.keep(store)
    return started


def _start(run: RunFolder, folder: Path, store: Path, port: int) -> tuple[ChildProcess, MlflowAddress]:
    child = ChildProcess("MLflow", _command(run, folder, store, port))
    address = MlflowAddress(host="127.0.0.1", port=port, version=mlflow_version(), log=str(child.log))
    child.wait_until(lambda: healthy(address), timeout=START_TIMEOUT)
    return child, address


def mlflow_version() -> str:
    """Return the version of the installed MLflow without importing it.

    Raises:
        ServiceStartError: it is not installed.
    """
    if find_spec("mlflow") is None:
        raise ServiceStartError(
            'MLflow is not installed; install it with: pip install "pytest-resilience[chaos]"'
        )
    return metadata.version("mlflow")


def _command(run: RunFolder, folder: Path, store: Path, port: int) -> Command:
    arguments = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{store}"),
        *("--artifacts-destination", str(folder / ARTIFACTS)),
    ]
    inherited = {name: value for name, value in own_environment().items() if not name.startswith("MLFLOW_")}
    return Command(
        arguments=arguments,
        log=folder / "server.log",
        run=run,
        env=inherited | ENVIRONMENT,
        cwd=folder,
    )


def healthy(address: MlflowAddress) -> bool:
    """Tell whether a tracking server answers there by now."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with (
        contextlib.suppress(urllib.error.URLError, OSError),
        opener.open(f"{address.url}/health", timeout=2) as reply,
    ):
        return bool(reply.status == 200)
    return False


class _PreparedStore:
    """A migrated, empty store of this MLflow version: it saves the next run the making of 50 tables.

    It is only an aid: where it cannot be read or written, the server makes its own.
    """

    def __init__(self, version: str) -> None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._path = cache / "pytest-resilience" / f"mlflow-{version}.db"

    def copy_to(self, store: Path) -> None:
        with contextlib.suppress(OSError):
            shutil.copyfile(self._path, store)

    def keep(self, store: Path) -> None:
        if self._path.exists():
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self._path.parent)
            os.close(descriptor)
            shutil.copyfile(store, temporary)
            Path(temporary).replace(self._path)

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
