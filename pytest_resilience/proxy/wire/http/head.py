"""The head of an HTTP/1.1 message: its first line and its headers, and what they say about its body.

Source: RFC 9112, chapters 3 to 6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_resilience.proxy.wire.errors import ProtocolError

_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/1\.[01]")
_STATUS_LINE = re.compile(r"HTTP/1\.[01] (\d{3})(?: .*)?")
_BODY_LENGTH = frozenset({b"content-length", b"transfer-encoding"})
_LONGEST_LENGTH = 18
"""Digits of the longest body; Python reads no more than 4,300 of them, zeros in front included."""
_HOST = frozenset({b"host"})
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


@dataclass(frozen=True, slots=True)
class Head:
    """What both kinds of head have.

    Args:
        raw: its bytes.
        headers: by their names in lower case; the values of repeated ones are joined by commas.
    """

    raw: bytes
    headers: Mapping[str, str]

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return self.headers.get("transfer-encoding", "").lower().split(",")[-1].strip() == "chunked"

    @property
    def length(self) -> int | None:
        """The declared length of the body.

        Raises:
            ProtocolError: it is no length.
        """
        declared = self.headers.get("content-length")
        if declared is None:
            return None
        lengths = {part.strip() for part in declared.split(",")}
        text = lengths.pop()
        digits = text.lstrip("0")
        if lengths or not (text.isascii() and text.isdigit()) or len(digits) > _LONGEST_LENGTH:
            raise ProtocolError("the Content-Length is none")
        return int(digits or "0")

    def closes(self) -> bool:
        """Tell whether the connection ends behind this message."""
        options = [option.strip().lower() for option in self.headers.get("connection", "").split(",")]
        if b"HTTP/1.0" in self.raw.lstrip(b"\r\n").split(b"\n", 1)[0]:
            return "keep-alive" not in options
        return "close" in options


IDEMPOTENCY_KEYS = ("idempotency-key", "x-idempotency-key", "idempotency-token")
"""Headers by which a server knows a second copy of a request (IETF idempotency-key draft, and habits)."""


@dataclass(frozen=True, slots=True)
class RequestHead(Head):
    """The head of a request.

    Args:
        method: such as `GET`.
        target: as it was sent.
    """

    method: str
    target: str

    @property
    def path(self) -> str:
        """The target without scheme, host and query."""
        path = _AUTHORITY.sub("", self.target, count=1).partition("?")[0].partition("#")[0]
        return path or "/"

    @property
    def key(self) -> str | None:
        """The idempotency key by which a server knows a second copy of it; none where it carries none."""
        return next((self.headers[name] for name in IDEMPOTENCY_KEYS if name in self.headers), None)

    @property
    def waits_to_send(self) -> bool:
        """Whether the client waits for a 100 before it sends the body."""
        return self.headers.get("expect", "").lower() == "100-continue"


@dataclass(frozen=True, slots=True)
class ReplyHead(Head):
    """The head of a reply.

    Args:
        status: the status code.
    """

    status: int

    @property
    def is_final(self) -> bool:
        """Whether it is the answer; else the answer is still to come."""
        return self.status >= 200 or self.status == 101

    def has_body(self, method: str | None) -> bool:
        """Tell whether a body follows (RFC 9112, chapter 6.3).

        Args:
            method: of the request, if that is known.
        """
        return method != "HEAD" and self.status >= 200 and self.status not in {204, 304}

    def opens_tunnel(self, method: str | None) -> bool:
        """Tell whether what follows is HTTP no more."""
        return self.status == 101 or (method == "CONNECT" and 200 <= self.status < 300)


def parse_request(raw: bytes) -> RequestHead:
    """Read a request's head.

    Raises:
        ProtocolError: it is none.
    """
    line, headers = _split(raw)
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise ProtocolError("this is no HTTP/1 request")
    return RequestHead(raw, headers, found[1], found[2])


def parse_reply(raw: bytes) -> ReplyHead:
    """Read a reply's head.

    Raises:
        ProtocolError: it is none.
    """
    line, headers = _split(raw)
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise ProtocolError("this is no HTTP/1 reply")
    return ReplyHead(raw, headers, int(found[1]))


def as_chunked(head: ReplyHead) -> bytes:
    """Return a reply's head as that of a body in chunks."""
    return _with(head, _BODY_LENGTH, b"Transfer-Encoding: chunked")


def with_host(head: RequestHead, host: str) -> bytes:
    """Return a request's head with another Host."""
    return _with(head, _HOST, b"Host: " + host.encode("latin-1", errors="replace"))


def _with(head: Head, names: frozenset[bytes], header: bytes) -> bytes:
    """Return a head with one header in place of others."""
    lines = head.raw.strip(b"\r\n").split(b"\n")
    kept = [line.rstrip(b"\r") for line in lines if line.partition(b":")[0].strip().lower() not in names]
    return b"\r\n".join([*kept, header, b"", b""])


def _split(raw: bytes) -> tuple[str, dict[str, str]]:
    lines = raw.decode("latin-1").strip("\r\n").split("\n")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        key = name.strip().lower()
        if not colon or not key:
            raise ProtocolError("a header has no name")
        text = value.strip()
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return lines[0].rstrip("\r"), headers
