"""A TCP port that a proxy owns: taken once, then open to connections, or only held so that nobody else gets it."""

from __future__ import annotations

import os
import socket

from pytest_resilience.proxy.address import join_address
from pytest_resilience.proxy.listen import Place

BACKLOG = 4096


class PortTakenError(OSError):
    """Say that an address cannot be listened on; the text is Go's."""


class Port:
    """Own a port from its construction to `release`.

    Args:
        place: where; the port 0 is any free one.
        drawn: whether the number was a free one at first, although it is given now.

    Raises:
        PortTakenError: somebody else has the port, or the address is not this machine's.
    """

    def __init__(self, place: Place, *, drawn: bool = False) -> None:
        self.drawn = drawn or place.port == 0
        self._sock: socket.socket = _bound(place, share=False)
        host, self.number = self._sock.getsockname()[:2]
        self.address = join_address(host, self.number)
        """Where it is, as Go writes it."""
        self._place = place._replace(port=self.number)

    def open(self) -> socket.socket:
        """Take connections; return the listening socket."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._sock.listen(BACKLOG)
        except OSError as error:
            raise PortTakenError(_go_text(self.address, "listen", error)) from error
        return self._sock

    def hold(self) -> None:
        """Refuse connections, and keep the port.

        A second socket takes the same port beside the listening one before that is closed. Only for that moment
        do the two allow sharing: a port is asked for without it, so nobody else slips in.
        """
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder = _bound(self._place, share=True)
        self._sock.close()
        self._sock = holder

    def take_again(self) -> None:
        """Take the port again after its release.

        Raises:
            PortTakenError: somebody else was quicker.
        """
        self._sock = _bound(self._place, share=False)

    def release(self) -> None:
        """Give the port up."""
        self._sock.close()


def _bound(place: Place, *, share: bool) -> socket.socket:
    sock = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if place.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not place.dual)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, share)
        sock.bind((place.host, place.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
    except OSError as error:
        sock.close()
        raise PortTakenError(_go_text(place.spelling, "bind", error)) from error
    return sock


def _go_text(address: str, call: str, error: OSError) -> str:
    reason = os.strerror(error.errno or 0)
    return f"listen tcp {address}: {call}: {reason[0].lower()}{reason[1:]}"
