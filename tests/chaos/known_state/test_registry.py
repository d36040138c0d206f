"""An MLflow server begins in its known state: by a prefix where it is shared, by a reset where it is not."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from pytest_resilience.chaos.known_state.sql_file import InitError

REGISTRY = {"registry": {"kind": "mlflow", "env": {"MLFLOW_TRACKING_URI": "{tracking_uri}"}}}
API = "/api/2.0/mlflow"


def ask(url: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask MLflow's REST API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310
        f"{url}{API}{path}", data, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as reply:  # noqa: S310
        return json.loads(reply.read())


def names(url: str) -> list[str]:
    """Return the registered models."""
    found = ask(url, "/registered-models/search?max_results=100").get("registered_models", [])
    return sorted(model["name"] for model in found)


def put(url: str, path: str, content: bytes) -> None:
    """Store an artifact by way of the server."""
    where = f"{url}/api/2.0/mlflow-artifacts/artifacts/{path}"
    urllib.request.urlopen(urllib.request.Request(where, content, method="PUT")).close()  # noqa: S310


def artifacts(url: str) -> list[str]:
    """Return what is stored at the top."""
    with urllib.request.urlopen(f"{url}/api/2.0/mlflow-artifacts/artifacts") as reply:  # noqa: S310
        return [file["path"] for file in json.loads(reply.read()).get("files", [])]


REGISTER = """
import json, os, urllib.request as u
url = os.environ['MLFLOW_TRACKING_URI'] + '/api/2.0/mlflow/registered-models/create'
u.urlopen(u.Request(url, json.dumps({'name': NAME}).encode(), {'Content-Type': 'application/json'}))
with open(COUNTED, "a") as counted:
    counted.write('x')
"""


def _registering(name: str, counted: Path) -> str:
    """Return a program that registers a model, and leaves a sign each time that it is run."""
    return f"NAME, COUNTED = {name!r}, {str(counted)!r}\n{REGISTER}"


def test_fresh_registries_forget(folder, declare, begin, tmp_path):
    """Models, experiments, their numbers and artifacts are gone; what `init` registered is there each time."""
    (folder / "register.py").write_text(_registering("sepsis", tmp_path / "counted"))
    configuration = declare({"registry": REGISTRY["registry"] | {"init": ("{python} register.py",)}})
    first = begin(configuration, fresh_registry=True)
    url, server = first.mlflow().url, first.mlflow().direct_url
    made = ask(url, "/experiments/create", {"name": "e"})
    ask(url, "/registered-models/create", {"name": "new"})
    put(url, "a.txt", b"a")
    assert (names(url), artifacts(url)) == (["new", "sepsis"], ["a.txt"])
    first.close()
    second = begin(configuration, fresh_registry=True)
    url = second.mlflow().url

    assert second.mlflow().direct_url == server
    assert (names(url), artifacts(url)) == (["sepsis"], [])
    assert ask(url, "/experiments/create", {"name": "e"}) == made


@pytest.mark.parametrize("shared_first", [True, False])
def test_init_is_run_once_for_all_fresh_registries(folder, declare, begin, tmp_path, shared_first):
    """The second server, and one after the server of all tests, gets a copy of what `init` has made."""
    counted, script = tmp_path / "counted", f"register_{shared_first}.py"
    (folder / script).write_text(_registering(script, counted))
    configuration = declare({"registry": REGISTRY["registry"] | {"init": (f"{{python}} {script}",)}})
    if shared_first:
        shared = begin(configuration).mlflow()
        ask(shared.direct_url, "/registered-models/create", {"name": "of a test"})
    first, second = (begin(configuration, fresh_registry=True).mlflow() for _ in range(2))
    ask(first.direct_url, "/registered-models/create", {"name": "new"})

    assert {script, "new"} <= set(names(first.direct_url))
    assert script in names(second.direct_url)
    assert {"new", "of a test"}.isdisjoint(names(second.direct_url))
    assert counted.read_text() == "x"


def test_init_of_one_of_two_registries_is_its_own(folder, declare, begin, tmp_path):
    """Two declared registries share the tests' server: what one of them has there is not in the other's known state."""
    (folder / "register_one.py").write_text(_registering("sepsis", tmp_path / "counted"))
    with_init = REGISTRY["registry"] | {"init": ("{python} register_one.py",)}
    configuration = declare({"other": {"kind": "mlflow", "env": {"OTHER": "{url}"}}, "registry": with_init})
    tests = begin(configuration)
    ask(tests.service("other").direct_url, "/registered-models/create", {"name": "of the other"})
    tests.service("registry")
    fresh = begin(configuration, fresh_registry=True).service("registry")

    assert names(fresh.direct_url) == ["sepsis"]


def test_fresh_registries_have_one_user(declare, begin):
    """Two sandboxes at once have two servers."""
    first, second = (begin(declare(REGISTRY), fresh_registry=True) for _ in range(2))

    assert first.mlflow().direct_url != second.mlflow().direct_url


def test_shared_server_is_kept_apart_by_a_prefix(declare, begin):
    """Without `fresh_registry` there is one server, and each sandbox has a prefix that its code is told."""
    first, second = begin(declare(REGISTRY)), begin()

    assert first.mlflow().direct_url == second.mlflow().direct_url
    assert first.mlflow().prefix != second.mlflow().prefix
    assert first.environment()["RESILIENCE_PREFIX"] == first.mlflow().prefix
    assert first.environment()["MLFLOW_TRACKING_URI"] == first.mlflow().tracking_uri


@pytest.mark.parametrize("fresh", [True, False])
def test_failed_init_is_told(declare, begin, fresh):
    """The message has the command and what it wrote."""
    configuration = declare(
        {"registry": REGISTRY["registry"] | {"init": ("{python} -c 'raise SystemExit(7)'",)}}
    )

    with pytest.raises(InitError, match="service registry ended with status 7"):
        begin(configuration, fresh_registry=fresh).mlflow()
