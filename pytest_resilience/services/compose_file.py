"""A project's docker-compose.yml: which images it names, and which containers of it run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_resilience.errors import HarnessError

COMPOSE_FILE = "docker-compose.yml"
_LABEL = "com.docker.compose."
"""What Compose labels its containers with (Compose specification; docker/compose, `pkg/api/labels.go`)."""


def image_of(folder: Path, service: str, *, default: str) -> str:
    """Return the image that a service of the folder's docker-compose.yml names, else the default.

    Raises:
        HarnessError: the file cannot be read, or takes the image from a variable.
    """
    file = folder / COMPOSE_FILE
    if not file.is_file():
        return default
    declared = _services(file, service).get(service)
    image = declared.get("image", default) if isinstance(declared, dict) else default
    if not isinstance(image, str) or "$" in image:
        raise HarnessError(
            f"the image of service {service} in {file} is {image!r}: write it out there, for example {default}"
        )
    return image


def _services(file: Path, wanted: str) -> dict[str, Any]:
    from ruamel import yaml  # noqa: PLC0415 - it comes with the `chaos` extra, and containers alone need YAML

    try:
        document = yaml.YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.error.YAMLError) as error:
        raise HarnessError(f"cannot read which image of {wanted} to use from {file}: {error}") from error
    services = document.get("services") if isinstance(document, dict) else None
    return services if isinstance(services, dict) else {}


def running_container(engine: Any, folder: Path, service: str) -> Any | None:
    """Return the running container that Compose made of a service of the folder's docker-compose.yml, if there is one.

    Args:
        engine: the client of the Docker engine.
        folder: the project.
        service: its name in the file.

    Raises:
        HarnessError: its health check says that it does not work.
    """
    found = engine.containers.list(
        filters={"label": f"{_LABEL}service={service}", "status": "running"}, ignore_removed=True
    )
    of_folder = [each for each in found if _is_of(each, folder / COMPOSE_FILE)]
    if not of_folder:
        return None
    _check_health(of_folder[0], service)
    return of_folder[0]


def project_of(container: Any) -> str:
    """Return the name of the Compose project that a container belongs to."""
    return str(container.labels.get(f"{_LABEL}project", "?"))


def published_port(container: Any, port: int) -> int:
    """Return the port of this machine that leads to a container's own.

    Raises:
        HarnessError: none does.
    """
    bindings = container.attrs["NetworkSettings"]["Ports"].get(f"{port}/tcp") or ()
    for binding in bindings:
        if binding.get("HostIp") in {"", "0.0.0.0", "127.0.0.1"}:  # noqa: S104 - where it listens, not we
            return int(binding["HostPort"])
    raise HarnessError(
        f"the container {container.name} of the Compose project {project_of(container)} publishes no port for "
        f'its {port}: add `ports: ["127.0.0.1::{port}"]` to its service, or stop the project, and containers of '
        "our own are used"
    )


def _is_of(container: Any, file: Path) -> bool:
    folder = Path(container.labels.get(f"{_LABEL}project.working_dir", "/nowhere"))
    files = container.labels.get(f"{_LABEL}project.config_files", "").split(",")
    return file.resolve() in {(folder / name).resolve() for name in files if name}


def _check_health(container: Any, service: str) -> None:
    health = container.attrs["State"].get("Health")
    if health is not None and health.get("Status") != "healthy":
        raise HarnessError(
            f"the service {service} of the running Compose project {project_of(container)} is "
            f"{health.get('Status')}: `docker compose up --wait` waits for it, `docker compose logs {service}` "
            "says more; `docker compose down` ends it, and a container of our own is used"
        )
