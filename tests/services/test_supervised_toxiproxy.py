"""A real Toxiproxy that crashes or hangs is replaced by one that does what the first was told."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.process import ServiceStartError
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.supervised_toxiproxy import SupervisedToxiproxy
from pytest_resilience.services.toxiproxy import BinaryToxiproxy, ToxiproxyAtUrl
from pytest_resilience.services.toxiproxy_client import EngineError, EngineSilentError, ToxiproxyClient

ROOT = Path(__file__).parents[2]
HANG_GUARD = 60.0
"""Seconds after which something that should have happened is taken to be never going to."""
SLOW = {
    "type": "latency",
    "name": "slow",
    "stream": "upstream",
    "toxicity": 1.0,
    "attributes": {"latency": 9, "jitter": 0},
}


@pytest.fixture
def toxiproxy(run: RunFolder) -> Iterator[SupervisedToxiproxy]:
    """A supervised Toxiproxy that has two seconds for each answer."""
    try:
        found = BinaryToxiproxy.find(ROOT)
    except HarnessError as missing:
        pytest.skip(str(missing))
    started = SupervisedToxiproxy(found, run, "toxiproxy", timeout=2.0)
    yield started
    started.stop()


def strike(toxiproxy: SupervisedToxiproxy, number: signal.Signals) -> None:
    """Send a signal to the process itself, past its guardian, and wait until all its threads have heard."""
    guardian = toxiproxy._child.pid
    (pid,) = Path(f"/proc/{guardian}/task/{guardian}/children").read_text().split()
    os.kill(int(pid), number)
    heard = {signal.SIGSTOP: {"T"}, signal.SIGKILL: {"Z", "X"}, signal.SIGCONT: set("RSD")}[number]
    end = time.monotonic() + HANG_GUARD
    while not states(int(pid)) <= heard:
        assert time.monotonic() < end, f"it never heard {number.name}"


def states(pid: int) -> set[str]:
    """Return the states of a process's threads (proc(5)), none once it is gone."""
    found = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            stat = (task / "stat").read_text()
            found.add(stat.rpartition(")")[2].split()[0])
    return found


def as_it_is(toxiproxy: SupervisedToxiproxy) -> dict[str, tuple[object, ...]]:
    """Return the proxies as another client sees them: address, state and toxics."""
    proxies = ToxiproxyClient(toxiproxy.address.host, toxiproxy.address.port).proxies()
    return {
        name: (proxy["listen"], proxy["upstream"], proxy["enabled"], proxy["toxics"])
        for name, proxy in proxies.items()
    }


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_what_was_told_is_told_again(toxiproxy: SupervisedToxiproxy, number: signal.Signals) -> None:
    """After a crash or a hang the next one has the same address, proxies, states and toxics, and the log says why."""
    toxiproxy.create_proxy("a", "127.0.0.1:1")
    toxiproxy.create_proxy("b", "127.0.0.1:2")
    toxiproxy.create_proxy("gone", "127.0.0.1:3")
    toxiproxy.add_toxic("a", SLOW)
    toxiproxy.add_toxic("b", SLOW)
    toxiproxy.remove_toxic("b", "slow")
    toxiproxy.set_enabled("b", enabled=False)
    toxiproxy.delete_proxy("gone")
    address, before = toxiproxy.address, as_it_is(toxiproxy)
    strike(toxiproxy, number)
    toxics = toxiproxy.toxics("a")
    (reason,) = toxiproxy.replacements

    assert (toxiproxy.address, as_it_is(toxiproxy), toxics) == (address, before, [SLOW])
    assert reason.startswith("Toxiproxy was killed and replaced: Toxiproxy at 127.0.0.1")
    assert f"pytest-resilience: {reason}" in Path(address.log).read_text()


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.create_proxy("new", "127.0.0.1:3"),
        lambda t: t.delete_proxy("a"),
        lambda t: t.set_enabled("a", enabled=False),
        lambda t: t.add_toxic("a", {**SLOW, "name": "more"}),
        lambda t: t.remove_toxic("a", "slow"),
    ],
)
def test_whatever_is_told_then_is_done(toxiproxy: SupervisedToxiproxy, call: object) -> None:
    """The call that finds the crash is carried out by the next one."""
    toxiproxy.create_proxy("a", "127.0.0.1:1")
    toxiproxy.add_toxic("a", SLOW)
    strike(toxiproxy, signal.SIGKILL)
    call(toxiproxy)  # type: ignore[operator]
    told = {
        name: (wanted.listen, wanted.upstream, wanted.enabled, list(wanted.toxics.values()))
        for name, wanted in toxiproxy._wanted.items()
    }

    assert len(toxiproxy.replacements) == 1
    assert as_it_is(toxiproxy) == told


def test_others_are_not_left_waiting(toxiproxy: SupervisedToxiproxy) -> None:
    """While somebody else drives it, a hang ends their call too, which has no time-out of its own."""
    with toxiproxy.watched():
        strike(toxiproxy, signal.SIGSTOP)
        with socket.create_connection((toxiproxy.address.host, toxiproxy.address.port)) as endless:
            endless.sendall(b"GET /proxies HTTP/1.1\r\nHost: t\r\n\r\n")
            try:
                answer = endless.recv(100)
            except ConnectionResetError:
                answer = b""

    assert (answer, len(toxiproxy.replacements)) == (b"", 1)
    assert as_it_is(toxiproxy) == {}


def test_watching_ends_with_its_block(toxiproxy: SupervisedToxiproxy) -> None:
    """No thread stays behind."""
    with toxiproxy.watched():
        names = {thread.name for thread in threading.enumerate()}

    assert any(name.startswith("watch-toxiproxy") for name in names)
    assert not any(thread.name.startswith("watch-toxiproxy") for thread in threading.enumerate())


def test_one_that_cannot_be_had_again_is_told(
    toxiproxy: SupervisedToxiproxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the next one does not start the call fails, with what it said."""
    broken = tmp_path / "toxiproxy-server"
    broken.write_text("#!/bin/sh\necho no such machine\nexit 3\n")
    broken.chmod(0o700)
    monkeypatch.setattr(toxiproxy, "source", BinaryToxiproxy(broken))
    strike(toxiproxy, signal.SIGKILL)

    with pytest.raises(ServiceStartError, match="no such machine"):
        toxiproxy.create_proxy("a", "127.0.0.1:1")


def test_foreign_one_is_not_killed(toxiproxy: SupervisedToxiproxy, run: RunFolder) -> None:
    """One that somebody else runs is left as it is, and the call says that it hangs."""
    source = ToxiproxyAtUrl.find(f"http://127.0.0.1:{toxiproxy.address.port}")
    foreign = SupervisedToxiproxy(source, run, "foreign", timeout=2.0)
    with foreign.watched():
        strike(toxiproxy, signal.SIGSTOP)
        with pytest.raises(EngineError, match="is not ours to kill: restart it") as told:
            foreign.create_proxy("a", "127.0.0.1:1")
        strike(toxiproxy, signal.SIGCONT)

    assert isinstance(told.value.__cause__, EngineSilentError)
    foreign.stop()
    assert foreign.replacements == []
