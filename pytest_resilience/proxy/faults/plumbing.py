"""Where one direction's bytes come from, and where they go: the half of a link that a stream needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_resilience.proxy.inspector import InspectedLink


@dataclass(slots=True)
class Plumbing:
    """One direction of a link.

    Args:
        send: send bytes to the receiver.
        end: send FIN to the receiver.
        reset: send RST to the receiver.
        pause: stop reading from the sender.
        resume: read from the sender again.
    """

    send: Callable[[bytes], None]
    end: Callable[[], None]
    reset: Callable[[], None]
    pause: Callable[[], None]
    resume: Callable[[], None]

    @classmethod
    def to_server(cls, link: InspectedLink) -> Plumbing:
        """Return the direction of requests."""
        return cls(link.to_server, link.end_server, link.reset_server, link.pause_client, link.resume_client)

    @classmethod
    def to_client(cls, link: InspectedLink) -> Plumbing:
        """Return the direction of replies."""
        return cls(link.to_client, link.end_client, link.reset_client, link.pause_server, link.resume_server)
