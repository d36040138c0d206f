"""Loopback ports that the kernel gives to nobody unasked, for listeners that close and must open again."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.process import ServiceStartError

LOWEST = 10_000
"""Below lie the ports of well-known servers."""
TRIES = 50
PORT_TRIES = 3
TAKEN = ("address already in use", "port is already allocated")
"""What servers say, and Docker, where somebody else was quicker."""

Started = TypeVar("Started")
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_IANA_DYNAMIC = 49_152
"""Where the dynamic ports begin on systems that follow RFC 6335, section 6."""


def quiet_ports() -> Iterator[int]:
    """Yield ports that are free now and that no outgoing connection will be given.

    Raises:
        HarnessError: none was found in 50 tries.
    """
    draw = random.SystemRandom()
    highest = _first_dynamic_port() - 1
    for _ in range(TRIES):
        port = draw.randint(min(LOWEST, highest), highest)
        if _is_free(port):
            yield port
    raise HarnessError(
        f"found no free loopback port from {LOWEST} to {highest} in {TRIES} tries; what listens there? "
        "(ss -tln shows it)"
    )


def _first_dynamic_port() -> int:
    try:
        first = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _IANA_DYNAMIC
    return first if first > LOWEST else _IANA_DYNAMIC


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def on_quiet_port(start: Callable[[int], Started], port: int | None = None) -> Started:
    """Call `start` with that port, or else with free ones until nobody else was quicker.

    Raises:
        ServiceStartError: by `start`, for another reason than a taken port, or once too often.
    """
    if port is not None:
        return start(port)
    candidates = quiet_ports()
    for _ in range(PORT_TRIES - 1):
        try:
            return start(next(candidates))
        except ServiceStartError as error:
            if not any(words in str(error).lower() for words in TAKEN):
                raise
    return start(next(candidates))
