"""A real Toxiproxy is found and started, or used where it runs already, and ours is all that is touched."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.process import ServiceStartError
from pytest_resilience.services.quiet_port import on_quiet_port
from pytest_resilience.services.reach import check_reach
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy import BinaryToxiproxy, ToxiproxyAtUrl
from pytest_resilience.services.toxiproxy_choice import toxiproxy_source
from pytest_resilience.services.toxiproxy_client import EngineError, ToxiproxyClient

ROOT = Path(__file__).parents[2]
HANG_GUARD = 60.0
"""Seconds after which something that should have happened is taken to be never going to."""


@pytest.fixture
def binary() -> BinaryToxiproxy:
    """The real binary, or a skip that says how to get it."""
    try:
        return BinaryToxiproxy.find(ROOT)
    except HarnessError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def foreign(binary: BinaryToxiproxy, run: RunFolder) -> ToxiproxyClient:
    """A Toxiproxy that somebody else runs and uses."""
    _, address = binary.start(run, "foreign", None)
    client = ToxiproxyClient(address.host, address.port)
    client.create_proxy("postgres", "127.0.0.1:1")
    client.add_toxic("postgres", {"type": "latency", "name": "theirs", "attributes": {"latency": 1}})
    return client


def program(path: Path, text: str) -> Path:
    """Make a program out of a shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


def test_ours_needs_no_source() -> None:
    """`auto` and `embedded` mean our engine."""
    assert [toxiproxy_source(choice, ROOT) for choice in ("auto", "embedded")] == [None, None]


def test_binary_on_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one on PATH is taken, and only without it the one that `make toxiproxy` has built."""
    local = program(tmp_path / ".tools" / "bin" / "toxiproxy-server", "exit")
    on_path = program(tmp_path / "path" / "toxiproxy-server", "exit")

    monkeypatch.setenv("PATH", str(on_path.parent))
    assert toxiproxy_source("binary", tmp_path) == BinaryToxiproxy(on_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert toxiproxy_source("binary", tmp_path) == BinaryToxiproxy(local)


def test_missing_binary_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says where it looked, and which command installs it."""
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(HarnessError) as told:
        toxiproxy_source("binary", tmp_path)
    assert [
        word in str(told.value)
        for word in ("/nowhere", f"{tmp_path}/.tools/bin/toxiproxy-server", "make toxiproxy", "go install")
    ] == [True] * 4


def test_binary_that_is_none_is_told(tmp_path: Path, run: RunFolder) -> None:
    """A program that fails is named with its own words, in the header and at its start."""
    broken = BinaryToxiproxy(program(tmp_path / "toxiproxy-server", "echo no such machine >&2; exit 3"))

    with pytest.raises(HarnessError, match="toxiproxy-server -version failed"):
        broken.title()
    with pytest.raises(ServiceStartError, match=r"(?s)Toxiproxy ended with status 3.*no such machine"):
        broken.start(run, "toxiproxy", None)


def test_binary_serves_on_loopback_alone(binary: BinaryToxiproxy, run: RunFolder) -> None:
    """It starts on a free port of 127.0.0.1 and of no other address, and on the same one again."""
    child, address = binary.start(run, "toxiproxy", None)
    child.stop()
    again, same = binary.start(run, "toxiproxy", address.port)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", same.port))
    again.stop()

    assert (address, address.host) == (same, "127.0.0.1")
    assert binary.title() == f"Toxiproxy binary {_version(binary)}"


def _version(binary: BinaryToxiproxy) -> str:
    told = subprocess.run([binary.path, "-version"], capture_output=True, text=True, check=True)
    return told.stdout.split()[-1]


def test_taken_port_is_given_up() -> None:
    """Where somebody was quicker another port is tried; any other failure is told at once."""
    tried: list[int] = []

    def start(port: int) -> Any:
        tried.append(port)
        if len(tried) == 1:
            raise ServiceStartError("listen tcp 127.0.0.1:1: bind: address already in use")
        raise ServiceStartError("no such machine")

    with pytest.raises(ServiceStartError, match="no such machine"):
        on_quiet_port(start, None)
    assert len(set(tried)) == 2


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:18474", ("127.0.0.1", 18474)),
        ("http://localhost", ("localhost", 8474)),
        ("http://[::1]:1/", ("::1", 1)),
    ],
)
def test_addresses(url: str, expected: tuple[str, int]) -> None:
    """A URL is a host and a port, by default Toxiproxy's own."""
    found = ToxiproxyAtUrl.parse(url)

    assert (found.host, found.port) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cloud",
        "127.0.0.1:8474",
        "https://127.0.0.1:8474",
        "http://",
        "http://h:99999",
        "http://h/path",
        "http://u@h",
        "http://h?q",
        "http://[",
    ],
)
def test_no_addresses(url: str) -> None:
    """Everything else is refused, with what is possible."""
    with pytest.raises(
        HarnessError, match=r"it is auto, embedded, binary, docker, or .* http://127\.0\.0\.1:8474"
    ):
        ToxiproxyAtUrl.parse(url)


def test_foreign_proxies_are_left_alone(foreign: ToxiproxyClient, run: RunFolder) -> None:
    """Ours have names of their own; when we leave they go, and theirs are as they were."""
    before = foreign.proxies()
    source = ToxiproxyAtUrl.find(f"http://{foreign.host}:{foreign.port}")
    untouched = foreign.proxies()
    keeper, address = source.start(run, "toxiproxy", None)
    ours = source.proxy_name("postgres")
    foreign.create_proxy(ours, "127.0.0.1:1")
    keeper.stop()

    assert (untouched, foreign.proxies()) == (before, before)
    assert (address.host, address.port) == (foreign.host, foreign.port)
    assert (ours.startswith("resilience-"), ours.endswith("-postgres")) == (True, True)
    assert ours != ToxiproxyAtUrl.parse("http://h").proxy_name("postgres")
    assert source.title() == f"Toxiproxy http://{foreign.host}:{foreign.port} {foreign.version()}"


KILLED = """
import sys, threading
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.supervised_toxiproxy import SupervisedToxiproxy
from pytest_resilience.services.toxiproxy_choice import toxiproxy_source
from pathlib import Path

run = RunFolder.make()
toxiproxy = SupervisedToxiproxy(toxiproxy_source(sys.argv[1], Path(sys.argv[2])), run, "toxiproxy")
toxiproxy.create_proxy(toxiproxy.proxy_name("postgres"), "127.0.0.1:1")
print(*[entry.name for entry in (run.path / "guardians").iterdir()], flush=True)
threading.Event().wait()
"""


def run_and_kill(choice: str, folder: Path) -> None:
    """Use a Toxiproxy in a process, kill it by SIGKILL, and wait until its guardians are gone."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, choice, str(folder)], stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        guardians = [os.pidfd_open(int(pid)) for pid in run.stdout.readline().split()]
        run.send_signal(signal.SIGKILL)
    assert guardians
    for guardian in guardians:
        assert select.select([guardian], [], [], HANG_GUARD)[0], "a guardian outlived its run"
        os.close(guardian)


def test_killed_run_leaves_no_proxy(foreign: ToxiproxyClient) -> None:
    """SIGKILL in the middle of a run removes our proxies from the Toxiproxy that is not ours."""
    before = foreign.proxies()
    run_and_kill(f"http://{foreign.host}:{foreign.port}", ROOT)

    assert foreign.proxies() == before


def test_toxiproxy_elsewhere_is_told(foreign: ToxiproxyClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers, but whose proxies are not on this machine's loopback, is refused at once."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"127.0.0.1:{closed.getsockname()[1]}"
    create = ToxiproxyClient.create_proxy
    monkeypatch.setattr(ToxiproxyClient, "create_proxy", lambda self, *args: create(self, *args) and nowhere)
    before = foreign.proxies()

    with pytest.raises(EngineError, match=r"do not connect this machine's loopback.*--network host"):
        ToxiproxyAtUrl.find(f"http://{foreign.host}:{foreign.port}")
    assert foreign.proxies() == before


def test_toxiproxy_that_cannot_reach_us_is_told(
    foreign: ToxiproxyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its proxies may be reached and lead to somewhere else: that is noticed too."""
    create = ToxiproxyClient.create_proxy
    monkeypatch.setattr(
        ToxiproxyClient, "create_proxy", lambda self, name, _: create(self, name, "127.0.0.1:1")
    )
    client = ToxiproxyClient(foreign.host, foreign.port, timeout=0.5)

    with pytest.raises(EngineError, match=r"do not connect this machine's loopback ports"):
        check_reach(client, "probe")
    assert list(foreign.proxies()) == ["postgres"]


def test_keeper_tells_what_it_could_not_do() -> None:
    """Where the foreign Toxiproxy is gone the keeper ends with a failure, and says so in its log."""
    command = [sys.executable, "-m", "pytest_resilience.services.toxiproxy_keeper", "127.0.0.1", "1", "ours-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        greeting = keeper.stdout.readline()
        keeper.terminate()
        words = keeper.stdout.read()

    assert greeting == "keeping the proxies ours-* at 127.0.0.1:1\n"
    assert (keeper.returncode, "could not remove our proxies" in words) == (1, True)
