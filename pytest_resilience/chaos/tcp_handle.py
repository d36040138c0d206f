"""The TCP handle: a service whose protocol is nobody's business, behind its proxy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from pytest_resilience.chaos.handle import ServiceHandle


@dataclass(frozen=True, slots=True, repr=False)
class TcpHandle(ServiceHandle):
    """A service behind a proxy that passes bytes on as they are; it has the faults of connections.

    Args:
        direct_host: where it is around the proxy.
        direct_port: the port there.
    """

    _word: ClassVar[str] = "tcp"
    direct_host: str
    direct_port: int

    def at(self, *_message: Any, **_how: Any) -> NoReturn:
        """Refuse: there are no messages where nobody knows the protocol.

        Raises:
            TypeError: always, with what there is instead.
        """
        __tracebackhide__ = True
        raise TypeError(
            f"{self.name} is a service of kind tcp, whose messages are not known: it takes the faults of connections, "
            f"such as {self.name}.down() and {self.name}.latency(0.3)"
        )
