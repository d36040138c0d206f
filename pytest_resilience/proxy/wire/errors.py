"""What the parsers say when bytes are not their protocol."""

from __future__ import annotations


class ProtocolError(ValueError):
    """Say that the bytes are not the protocol; the message holds none of them."""
