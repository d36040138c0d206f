"""Other people's clients drive the engine as they drive Toxiproxy: Python's, Node's and Go's."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TOOLS = HERE.parents[2] / ".tools" / "clients"
HANG = 150
UPSTREAM = "127.0.0.1:1"
SEEN = [
    ["created", "p", True],
    ["again", True],
    ["added", "slow", "upstream", 0.5, 5],
    ["updated", 7, 1],
    ["gone", True],
    ["disabled", False],
    ["reset", True],
    ["all", ["p", "q"]],
    ["left", ["q"]],
]


def needs(tool: str) -> str:
    """Find a tool, or skip and say which."""
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} is not installed")
    return path


def installed(*command: str, cwd: Path, made: Path) -> None:
    """Run what installs a client, unless it has been; without its registry skip and say why."""
    if made.exists():
        return
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=HANG, check=False)
    if done.returncode or not made.exists():
        pytest.skip(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")


def driven(*command: str, **environment: str) -> Any:
    """Run a driver, and return what it saw."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=HANG, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_node_client(engine: Any) -> None:
    """`toxiproxy-node-client` creates, changes, adds, removes, populates and resets."""
    node, npm = needs("node"), needs("npm")
    TOOLS.mkdir(parents=True, exist_ok=True)
    package = "toxiproxy-node-client@4.1.0"
    installed(
        npm, "install", "--no-audit", "--no-fund", "--prefix", "node", package,
        cwd=TOOLS, made=TOOLS / "node" / "node_modules" / "toxiproxy-node-client",
    )  # fmt: skip

    modules = str(TOOLS / "node" / "node_modules")
    assert (
        driven(
            node,
            str(HERE / "node" / "drive.js"),
            f"http://127.0.0.1:{engine.port}",
            UPSTREAM,
            NODE_PATH=modules,
        )
        == SEEN
    )


def test_the_go_client(engine: Any) -> None:
    """Toxiproxy's own Go client does the same."""
    go = needs("go")
    TOOLS.mkdir(parents=True, exist_ok=True)
    source = (HERE / "go" / "main.go").read_bytes()
    binary = TOOLS / f"go-client-{hashlib.sha256(source).hexdigest()[:12]}"
    installed(go, "build", "-o", str(binary), ".", cwd=HERE / "go", made=binary)

    assert driven(str(binary), f"127.0.0.1:{engine.port}", UPSTREAM) == SEEN


@pytest.fixture
def toxiproxy_python(engine: Any) -> Iterator[Any]:
    """Lead the Python client to the engine, and back afterwards: its address is class-wide."""
    import toxiproxy
    from toxiproxy.api import APIConsumer

    before = APIConsumer.host, APIConsumer.port
    client = toxiproxy.Toxiproxy()
    client.update_api_consumer("127.0.0.1", engine.port)
    yield client
    client.update_api_consumer(*before)


def test_the_python_client(toxiproxy_python: Any) -> None:
    """`toxiproxy-python` does what it can: it cannot change a toxic."""
    from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

    client = toxiproxy_python
    assert client.version() == b'{"version": "2.12.0"}\n'
    proxy = client.create(upstream=UPSTREAM, name="p")
    with pytest.raises(ProxyExists):
        client.create(upstream=UPSTREAM, name="p")
    proxy.add_toxic(type="latency", name="slow", stream="upstream", toxicity=0.5, attributes={"latency": 5})
    toxic = proxy.get_toxic("slow")
    assert (
        toxic.name,
        toxic.stream,
        toxic.toxicity,
        toxic.attributes["latency"],
    ) == ("slow", "upstream", 0.5, 5)
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="nonsense")
    assert proxy.destroy_toxic("slow")
    with pytest.raises(NotFound):
        proxy.destroy_toxic("slow")
    with proxy.down():
        assert not client.get_proxy("p").enabled
    assert client.reset()
    client.populate([{"name": "q", "upstream": UPSTREAM, "listen": "127.0.0.1:0"}])

    assert {"p", "q"} == set(client.proxies())
    client.destroy_all()
    assert client.proxies() == {}
