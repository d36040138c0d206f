"""A connection that goes past the proxy is seen, whoever holds it and however it was made."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_resilience.chaos.workload import bypass
from pytest_resilience.chaos.workload.bypass import Address, BypassWatcher, Known, Socket, sockets_of

HOLDS = """
import os, socket, sys
host, port = sys.argv[1:3]
line = socket.socket(socket.AF_UNIX if port == "-" else socket.AF_INET6 if ":" in host else socket.AF_INET)
line.connect(host if port == "-" else (host, int(port)))
if sys.argv[3:]:
    if os.fork() == 0:
        os.setsid(); print("held", flush=True); sys.stdin.close(); import threading; threading.Event().wait()
    line.close()
else: print("held", flush=True)
import threading; threading.Event().wait()
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A service's real listener."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _held(work) -> None:
    work.start()
    while "held" not in work.stdout:
        os.sched_yield()


@pytest.mark.parametrize("who", [(), ("child",)])
def test_direct_connection_is_seen(make, listener: socket.socket, who: tuple[str, ...]) -> None:
    """The workload's own connection is seen, and one that only its child in another session holds."""
    port = listener.getsockname()[1]
    work = make("127.0.0.1", str(port), *who, program=HOLDS)
    watcher = BypassWatcher(work.pids, [Address(service="labs", host="localhost", port=port)])
    _held(work)
    while not watcher.seen:
        os.sched_yield()
    (told,) = watcher.stop()

    assert f"is connected to 127.0.0.1:{port}, which is labs itself" in told


def test_other_connection_is_none_of_its_business(make, listener: socket.socket) -> None:
    """A connection to another port, as to the proxy, is no bypass."""
    port = listener.getsockname()[1]
    work = make("127.0.0.1", str(port), program=HOLDS)
    _held(work)
    watcher = BypassWatcher(work.pids, [Address(service="labs", host="127.0.0.1", port=port + 1)])

    assert watcher.stop() == ()
    assert watcher.stop() == ()
    assert [(each.host, each.port) for each in sockets_of(work.pids())] == [("127.0.0.1", port)]


@pytest.mark.parametrize(("ours", "told"), [(False, 1), (True, 0)])
def test_server_that_nothing_is_declared_for_is_told(
    make, listener: socket.socket, *, ours: bool, told: int
) -> None:
    """A proxy, or an alert endpoint, is ours; the one that accepts is no client of the other side's port."""
    port = listener.getsockname()[1]
    work = make("127.0.0.1", str(port), program=HOLDS)
    _held(work)
    with listener.accept()[0]:
        watcher = BypassWatcher(work.pids, [], ours={port} if ours else ())
        mine = BypassWatcher(lambda: [os.getpid()], [])

        assert (watcher.stop(), watcher.outside) == ((), (f"127.0.0.1:{port}",) * told)
        assert (mine.stop(), mine.outside) == ((), ())


def test_its_own_server_is_not_outside(listener: socket.socket) -> None:
    """What one of its processes listens on is a part of the workload."""
    port = listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)), listener.accept()[0]:
        watcher = BypassWatcher(lambda: [os.getpid()], [])
        watcher.stop()

    assert f"127.0.0.1:{port}" not in watcher.outside


def test_another_machine_is_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once, however many connections there are, and not where it is a declared service's."""
    far = [Socket(pid=1, host=f"10.0.0.{last}", port=6379, local="10.0.0.7") for last in (5, 5, 6)]
    monkeypatch.setattr(bypass, "sockets_of", lambda *_: far)
    watcher = BypassWatcher(list, [Address(service="cache", host="10.0.0.6", port=6379)])
    (past,) = watcher.stop()

    assert "connected to 10.0.0.6:6379, which is cache itself" in past
    assert watcher.outside == ("10.0.0.5:6379",)


@pytest.mark.parametrize("accepted", [True, False])
def test_unix_socket_is_seen(make, tmp_path: Path, *, accepted: bool) -> None:
    """A Unix socket has its path at the other end, accepted yet or not; the kernel tells which end that is."""
    path = tmp_path / "service.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        work = make(str(path), "-", program=HOLDS)
        _held(work)
        with contextlib.ExitStack() as held:
            if accepted:
                held.enter_context(server.accept()[0])
            watcher = BypassWatcher(work.pids, [Address(service="warehouse", path=str(path))])
            (told,) = watcher.stop()

    assert f"is connected to {path}, which is warehouse itself" in told


def test_ipv4_address_in_ipv6_clothes_is_the_same(make, listener: socket.socket) -> None:
    """`::ffff:127.0.0.1` is where 127.0.0.1 is."""
    port = listener.getsockname()[1]
    work = make("::ffff:127.0.0.1", str(port), program=HOLDS)
    _held(work)
    watcher = BypassWatcher(work.pids, [Address(service="labs", host="127.0.0.1", port=port)])

    assert len(watcher.stop()) == 1


def test_process_that_is_gone_has_no_sockets() -> None:
    """A number that no process has any more is nothing."""
    assert sockets_of([2**22]) == []


def test_what_can_lead_nowhere_is_looked_at_once(tmp_path: Path) -> None:
    """A pair, a listener and its end of a connection; a socket that may still be connected is looked at again."""
    known = Known()
    left, right = socket.socketpair()
    with left, right, socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "desk"))
        server.listen()
        client.connect(str(tmp_path / "desk"))
        with server.accept()[0] as accepted, socket.socket(socket.AF_UNIX) as idle:
            sockets_of([os.getpid()], known)
            settled = {
                name: not known.new(os.getpid(), [str(os.fstat(each.fileno()).st_ino)])
                for name, each in (("pair", left), ("end", accepted), ("client", client), ("idle", idle))
            }

    assert settled == {"pair": True, "end": True, "client": True, "idle": False}
