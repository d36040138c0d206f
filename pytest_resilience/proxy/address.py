"""Addresses as Go writes them: `host:port`, `[v6]:port`, `:port`."""

from __future__ import annotations

LOOPBACK_NAMES = ("", "localhost")
"""Hosts that mean this machine to a client."""


class AddressError(ValueError):
    """Refuse an address; the text is Go's."""


def split_address(address: str) -> tuple[str, str]:
    """Split into host and port, as Go's `net.SplitHostPort` does.

    Raises:
        AddressError: there is no port, or there are brackets or colons too many.
    """
    host, colon, port = address.rpartition(":")
    if not colon:
        raise AddressError(f"address {address}: missing port in address")
    if host.startswith("["):
        return _split_bracketed(address)
    if ":" in host:
        raise AddressError(f"address {address}: too many colons in address")
    for bracket, name in (("[", "'['"), ("]", "']'")):
        if bracket in address:
            raise AddressError(f"address {address}: unexpected {name} in address")
    return host, port


def _split_bracketed(address: str) -> tuple[str, str]:
    end = address.find("]")
    if end < 0:
        raise AddressError(f"address {address}: missing ']' in address")
    rest = address[end + 1 :]
    if not rest.startswith(":"):
        raise AddressError(f"address {address}: missing port in address")
    if ":" in rest[1:]:
        raise AddressError(f"address {address}: too many colons in address")
    return address[1:end], rest[1:]


def join_address(host: str, port: int) -> str:
    """Write host and port as Go's `net.JoinHostPort` does."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
