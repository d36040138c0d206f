"""Sockets that go past the proxies, straight to a service or to what none is declared for.

They are looked for by inode, whatever library opened them.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import threading
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from pytest_resilience.chaos.workload.tcp_ends import listeners, net_table, tcp_ends
from pytest_resilience.chaos.workload.unix_peers import unix_peers

SAMPLE_SECONDS = 0.025
LOOKS = 40
"""Looks after which a socket that goes nowhere is taken to be none of interest."""
_INODE = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """A connected socket of a process.

    Args:
        pid: whose.
        host, port: of the other side; none for a Unix socket.
        path: of the Unix socket on the other side; none for TCP.
        local: the host on its own side.
    """

    pid: int
    host: str | None = None
    port: int | None = None
    path: str | None = None
    local: str | None = None

    def __str__(self) -> str:
        """Return its other side."""
        if self.path is not None:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in (self.host or "") else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a service really is: a host and a port, or the path of a Unix socket.

    Args:
        service: its name.
        host: name or number, looked up once.
        port: its port.
        path: of its Unix socket.
    """

    service: str
    host: str | None = None
    port: int | None = None
    path: str | None = None

    def numbers(self) -> frozenset[str]:
        """Return the addresses that the host stands for."""
        if self.host is None:
            return frozenset()
        with contextlib.suppress(OSError):
            found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(self.host, None)}
            return frozenset(map(_plain, found))
        return frozenset({self.host})


def sockets_of(pids: Iterable[int], known: Known | None = None) -> list[Socket]:
    """Return the connected sockets of processes, and those that are being connected (Linux; elsewhere none).

    Args:
        pids: the processes.
        known: what earlier looks have settled, which is not looked at again.
    """
    known = Known() if known is None else known
    found: list[Socket] = []
    for pid in pids:
        with contextlib.suppress(OSError):
            inodes = known.new(pid, _inodes(pid))
            if inodes:
                table = _table(pid, inodes)
                known.settle(pid, inodes, table)
                found += (_of(pid, seen) for _, seen in sorted(table.items()) if seen.port or seen.path)
    return found


class Known:
    """Sockets that were looked at: where a connected one goes does not change any more.

    One that goes nowhere yet is looked at again, but not for ever: it may be a pair of a process with itself.
    """

    def __init__(self) -> None:
        self._settled: set[tuple[int, str]] = set()
        self._looks: dict[tuple[int, str], int] = {}

    def new(self, pid: int, inodes: Iterable[str]) -> set[str]:
        """Return those of a process that are not settled."""
        return {inode for inode in inodes if (pid, inode) not in self._settled}

    def settle(self, pid: int, inodes: Iterable[str], table: Container[str]) -> None:
        """Settle what was found, and what was not for long."""
        for inode in inodes:
            key = (pid, inode)
            self._looks[key] = self._looks.get(key, 0) + 1
            if inode in table or self._looks[key] >= LOOKS:
                self._settled.add(key)
                del self._looks[key]


def _of(pid: int, seen: Socket) -> Socket:
    return replace(seen, pid=pid)


def _held_by(pid: int) -> set[str]:
    with contextlib.suppress(OSError):
        return set(_inodes(pid))
    return set()


def _inodes(pid: int) -> Iterator[str]:
    for entry in os.scandir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            matched = _INODE.fullmatch(os.readlink(entry.path))  # noqa: PTH115 - twice as quick, and there are many
            if matched:
                yield matched[1]


def _table(pid: int, inodes: set[str]) -> dict[str, Socket]:
    """Return the other side of each of these sockets, by inode; listening ones and pairs of pipes have none."""
    table = {inode: seen for inode, seen in _unix(pid) if inode in inodes}  # first: these are told in no time
    if wanted := inodes - table.keys():
        table |= {
            inode: Socket(pid=pid, host=end.host, port=end.port, local=end.local)
            for inode, end in tcp_ends(pid, wanted).items()
        }
    return table


def _unix(pid: int) -> Iterator[tuple[str, Socket]]:
    """Yield Unix sockets by inode: the path stands at the server's end alone, and at none of a pair."""
    peers = unix_peers()  # before the names: whoever is accepted in between is looked at once more
    rows = [line.split(maxsplit=7) for line in net_table(pid, "unix").splitlines()[1:]]
    names = {row[6]: row[7] if len(row) == 8 else None for row in rows}
    for inode, peer in peers.items():
        if names.get(inode) is not None:
            yield inode, Socket(pid=pid)
        elif peer in names:
            yield inode, Socket(pid=pid, path=names[peer])


def _plain(text: str) -> str:
    """Return an IPv4 address that is written as an IPv6 one as what it is."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


class BypassWatcher:
    """A thread that looks at a workload's sockets again and again, and keeps those that go past the proxies.

    Args:
        pids: returns the processes to look at.
        addresses: where the services really are.
        ours: the loopback ports of the proxies, and of what else is there for the workload.
    """

    def __init__(
        self, pids: Callable[[], Iterable[int]], addresses: Iterable[Address], *, ours: Container[int] = ()
    ) -> None:
        self._pids = pids
        self._addresses = [(address, address.numbers()) for address in addresses]
        self._ours = ours
        self._outside: dict[str, None] = {}
        self._seen: dict[tuple[str, str], str] = {}
        self._known = Known()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="workload-bypass", daemon=True)
        self._thread.start()

    @property
    def seen(self) -> tuple[str, ...]:
        """What went past a proxy so far, in words."""
        with self._lock:
            return tuple(self._seen.values())

    @property
    def outside(self) -> tuple[str, ...]:
        """The servers, `host:port` each, that no service is declared for, and that the workload was connected to."""
        with self._lock:
            return tuple(self._outside)

    def look(self) -> None:
        """Look once, now."""
        for found in sockets_of(self._pids(), self._known):
            past = [address for address, numbers in self._addresses if _goes_to(found, address, numbers)]
            for address in past:
                self._keep(found, address)
            if not past and self._is_outside(found):
                with self._lock:
                    self._outside[str(found)] = None

    def _is_outside(self, found: Socket) -> bool:
        """Say whether it goes to a server that is neither ours nor one of the workload's own processes."""
        if found.host is None or found.port in self._ours:
            return False
        if found.host != found.local and not _is_loopback(found.host):
            return True
        listening = listeners(found.port)  # none where it is the other side that has connected
        return bool(listening) and listening.isdisjoint(chain.from_iterable(map(_held_by, self._pids())))

    def stop(self) -> tuple[str, ...]:
        """Look a last time and end; return what was seen. Safe to call twice."""
        self._over.set()
        self._thread.join()
        self.look()
        return self.seen

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.look()

    def _keep(self, found: Socket, address: Address) -> None:
        text = (
            f"process {found.pid} ({_name(found.pid)}) is connected to {found}, which is {address.service} itself "
            f"and not its proxy"
        )
        with self._lock:
            self._seen.setdefault((address.service, str(found)), text)


def _goes_to(found: Socket, address: Address, numbers: frozenset[str]) -> bool:
    if address.path is not None:
        return found.path is not None and _real(found.path) == _real(address.path)
    if found.host is None or found.port != address.port:
        return False
    here = any(map(_is_loopback, numbers)) and (found.host == found.local or _is_loopback(found.host))
    return here or found.host in numbers


def _is_loopback(text: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(text).is_loopback
    return False


def _real(path: str) -> str:
    return os.path.realpath(path)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "ended"
