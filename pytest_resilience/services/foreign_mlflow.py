"""An MLflow server that is not ours: what it holds, and how what is ours goes again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.mlflow import MlflowAddress
from pytest_resilience.services.mlflow_rest import MlflowRest
from pytest_resilience.services.own_names import is_ours

DEFAULT_EXPERIMENT = "Default"
PORTS = {"http": 80, "https": 443}


def foreign_mlflow(url: str, *, check_place: Callable[..., None] = lambda *_: None) -> MlflowAddress:
    """Ask a server for its version, and return where it is.

    Args:
        url: as MLflow's clients take it.
        check_place: refuses an address before anybody connects to it.

    Raises:
        HarnessError: the address makes no sense, or no MLflow server answers there; a login in it is not shown.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in PORTS or not host:
        raise HarnessError(
            "the address of the MLflow server is no URL such as https://mlflow.staging.example: see "
            "RESILIENCE_MLFLOW_URL, or `external` in the configuration"
        )
    check_place("the MLflow server", host, parts.path)
    try:
        version = MlflowRest(url).version()
    except HarnessError as error:
        raise HarnessError(f"the MLflow server at {shown(url)} cannot be used: {error}") from error
    return MlflowAddress(
        host=host, port=PORTS[parts.scheme] if port is None else port, version=version, log="", given=url
    )


def shown(url: str) -> str:
    """Return a URL without its login and its query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def what_else_is_in_registry(url: str) -> list[str]:
    """Return the experiments and models that no run of ours has made, each with its kind, and runs of none."""
    registry = MlflowRest(url)
    others = []
    for kind, name, identity in _contents(registry):
        if (kind, name) == ("experiment", DEFAULT_EXPERIMENT):
            asked = {"experiment_ids": [identity], "max_results": 1}
            others += (
                ["runs in the experiment Default"]
                if registry.ask("POST", "runs/search", asked).get("runs")
                else []
            )
        elif not is_ours(name):
            others.append(f"{kind} {name}")
    return others


def remove_from_registry(url: str, is_wanted: Callable[[str], bool]) -> None:
    """Delete the experiments and the models whose names are wanted; experiments can be restored, as always in MLflow.

    Raises:
        HarnessError: the server does not answer, or refuses; the rest is left there.
    """
    registry = MlflowRest(url)
    for kind, name, identity in list(_contents(registry)):
        if not is_wanted(name):
            continue
        if kind == "experiment":
            registry.ask("POST", "experiments/delete", {"experiment_id": identity})
        else:
            registry.ask("DELETE", "registered-models/delete", {"name": identity})


def _contents(registry: MlflowRest) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name, and what the API calls it by."""
    view = {"view_type": "ACTIVE_ONLY"}
    for found in registry.pages("POST", "experiments/search", "experiments", view):
        yield "experiment", found["name"], found["experiment_id"]
    for found in registry.pages("GET", "registered-models/search", "registered_models"):
        yield "model", found["name"], found["name"]
