"""Which engine carries the network faults: ours, or a real Toxiproxy of one of three kinds."""

from __future__ import annotations

from pathlib import Path

from pytest_resilience.services.toxiproxy import BinaryToxiproxy, ToxiproxyAtUrl, ToxiproxySource
from pytest_resilience.services.toxiproxy_docker import DockerToxiproxy

OURS = ("auto", "embedded")


def toxiproxy_source(choice: str, folder: Path) -> ToxiproxySource | None:
    """Return where the real Toxiproxy of that choice comes from; none where our engine does its work.

    Args:
        choice: `auto`, `embedded`, `binary`, `docker`, or a URL.
        folder: the project, below which a binary and a docker-compose.yml are looked for.

    Raises:
        HarnessError: it cannot be had, or the choice means nothing.
    """
    if choice in OURS:
        return None
    if choice == "binary":
        return BinaryToxiproxy.find(folder)
    if choice == "docker":
        return DockerToxiproxy.find(folder)
    return ToxiproxyAtUrl.find(choice)
