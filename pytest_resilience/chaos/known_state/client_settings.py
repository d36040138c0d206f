"""What a proxy does so that a web server takes it for a client of the server's own address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def as_a_client_of(url: str) -> dict[str, Any]:
    """Return the proxy's settings for the server at a URL: the host it is asked by, and TLS where it speaks that."""
    parts = urlsplit(url)
    settings: dict[str, Any] = {"host": parts.netloc.rpartition("@")[2]}
    if parts.scheme == "https":
        settings["upstream_tls"] = {"ca": None, "server_name": parts.hostname, "verify": True}
    return settings
