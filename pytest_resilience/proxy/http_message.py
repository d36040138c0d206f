"""HTTP/1.1 from bytes to requests and from responses to bytes, without any input or output."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote_to_bytes

MAX_HEAD = 1024 * 1024 + 4096
"""Bytes of request line and headers, as in Go's net/http, which takes a buffer more than it promises."""
MAX_LINE = 4096
"""Bytes of the line before a chunk, as in Go's net/http."""
MAX_BODY = 4 * 1024 * 1024
"""Bytes of a body; a control API needs far less, and while one is read no data is passed on."""

_BODILESS = (204, 304)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HOST = re.compile(r"[a-zA-Z0-9!$%&'()*+,\-.:;=\[\]_~]*")
"""What Go takes for a host: no spaces, for one."""


class BadRequestError(Exception):
    """Refuse a request that is not HTTP; the connection cannot be used any more.

    Args:
        status: the status code to answer with.
        reason: what is wrong; empty for the code alone.
        body: what to answer, if it is not the same as the status line.
    """

    def __init__(self, status: int, reason: str = "", body: str = "") -> None:
        super().__init__(status, reason, body)
        self.status = status
        self.reason = reason
        self.body = body


class BrokenBodyError(Exception):
    """Say in Go's words what is wrong with the chunks of a body."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case, and `broken` says why the body ends too early."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    broken: str = ""
    version: str = "HTTP/1.1"
    keep_alive: bool = True
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """One response; a `stream` is sent chunk by chunk instead of the body."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    stream: AsyncIterator[bytes] | None = None


class RequestParser:
    """Collect bytes, and give back requests as they become whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: Request | None = None
        self._body = bytearray()
        self._left = 0
        self._chunked = False
        self._in_trailer = False

    def feed(self, data: bytes) -> None:
        """Take bytes in any segmentation."""
        self._buffer += data

    @property
    def waiting(self) -> int:
        """Bytes that have come and are not part of a request yet."""
        return len(self._buffer)

    @property
    def waiting_head(self) -> Request | None:
        """The request without its body, if the client waits for `100 Continue` before it sends that."""
        head = self._head
        if head is None or self._buffer or self._body:
            return None
        return head if head.headers.get("expect", "").lower() == "100-continue" else None

    def next_request(self) -> Request | None:
        """Return the next whole request, or None until more bytes have come.

        Raises:
            BadRequestError: this is not HTTP.
        """
        if self._head is None and not self._take_head():
            return None
        try:
            done = self._take_chunks() if self._chunked else self._take_counted()
        except BrokenBodyError as error:
            self._buffer.clear()
            return replace(self._taken(), broken=str(error), keep_alive=False)
        return self._taken() if done else None

    def _taken(self) -> Request:
        head, body = self._head, bytes(self._body)
        self._head, self._body = None, bytearray()
        return replace(cast("Request", head), body=body)

    def _take_head(self) -> bool:
        end, skip = _head_end(self._buffer)
        if (len(self._buffer) if end < 0 else end + skip) > MAX_HEAD:
            raise BadRequestError(431)
        if end < 0:
            return False
        lines = bytes(self._buffer[:end]).replace(b"\r\n", b"\n").decode("latin-1").split("\n")
        del self._buffer[: end + skip]
        self._head = _parse_head(lines)
        self._chunked, self._left = _body_length(self._head)
        return True

    def _take_counted(self) -> bool:
        taken = self._buffer[: self._left]
        del self._buffer[: self._left]
        self._body += taken
        self._left -= len(taken)
        return self._left == 0

    def _take_chunks(self) -> bool:
        while True:
            if self._in_trailer:
                return self._take_trailer()
            if self._left:
                if len(self._buffer) < self._left + 2:
                    return False
                self._take_chunk()
            end = self._buffer.find(b"\n")
            if (len(self._buffer) if end < 0 else end) > MAX_LINE:
                raise BrokenBodyError("header line too long")
            if end < 0:
                return False
            size = _chunk_size(bytes(self._buffer[:end]))
            del self._buffer[: end + 1]
            if len(self._body) + size > MAX_BODY:
                raise BadRequestError(413)
            self._left = size
            self._in_trailer = size == 0

    def _take_chunk(self) -> None:
        if self._buffer[self._left : self._left + 2] != b"\r\n":
            raise BrokenBodyError("malformed chunked encoding")
        self._body += self._buffer[: self._left]
        del self._buffer[: self._left + 2]
        self._left = 0

    def _take_trailer(self) -> bool:
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            if not line:
                self._in_trailer = False
                return True
        return False


def _head_end(buffer: bytearray) -> tuple[int, int]:
    crlf, lf = buffer.find(b"\r\n\r\n"), buffer.find(b"\n\n")
    if crlf >= 0 and (lf < 0 or crlf < lf):
        return crlf, 4
    return lf, 2


def _parse_head(lines: list[str]) -> Request:
    if "\t" in lines[0] or any(_CONTROL.search(line) for line in lines):
        raise BadRequestError(400)
    parts = lines[0].split(" ")
    if len(parts) != 3 or not all(parts) or not parts[2].startswith("HTTP/"):
        raise BadRequestError(400)
    method, target, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequestError(505, "unsupported protocol version")
    headers = _parse_headers(lines[1:])
    if version == "HTTP/1.1" and "host" not in headers:
        raise BadRequestError(400, "missing required Host header")
    if not _HOST.fullmatch(headers.get("host", "")):
        raise BadRequestError(400, "malformed Host header")
    options = headers.get("connection", "").lower()
    keep_alive = "keep-alive" in options if version == "HTTP/1.0" else "close" not in options
    path, query = ("*", "") if (method, target) == ("OPTIONS", "*") else _split_target(target)
    return Request(method, path, query, headers, version=version, keep_alive=keep_alive)


def _parse_headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name:
            raise BadRequestError(400)
        if name != name.strip() or " " in name:
            raise BadRequestError(400, "invalid header name")
        name, value = name.lower(), value.strip(" \t")
        if name == "host" and name in headers:
            raise BadRequestError(400)
        if name == "content-length" and headers.get(name, value) != value:
            raise BadRequestError(400)
        headers.setdefault(name, value)
    return headers


def _split_target(target: str) -> tuple[str, str]:
    if "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, query = target.partition("?")
    if not path.startswith("/"):
        raise BadRequestError(400)
    if any(len(part) < 2 or not _is_hex(part[:2]) for part in path.split("%")[1:]):
        raise BadRequestError(400)
    return unquote_to_bytes(path.encode("latin-1")).decode("utf-8", "surrogateescape"), query


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdefABCDEF" for character in text)


def _body_length(head: Request) -> tuple[bool, int]:
    coding = head.headers.get("transfer-encoding", "").lower()
    if coding == "chunked":
        return True, 0
    if coding:
        raise BadRequestError(501, body="Unsupported transfer encoding")
    length = head.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequestError(400)
    if len(length) > 18 or int(length) > MAX_BODY:
        raise BadRequestError(413)
    return False, int(length)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].rstrip().decode("latin-1")
    if not digits:
        raise BrokenBodyError("empty hex number for chunk length")
    if not _is_hex(digits):
        raise BrokenBodyError("invalid byte in chunk length")
    if len(digits) > 16:
        raise BrokenBodyError("http chunk length too large")
    return int(digits, 16)


def encode_head(response: Response, request: Request, *, date: str) -> bytes:
    """Write the status line and the headers, in the version of the request."""
    lines = [f"{request.version} {response.status} {_phrase(response.status)}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    lines.append(f"Date: {date}")
    if response.stream is not None:
        lines.append("Transfer-Encoding: chunked")
    elif response.status not in _BODILESS and (response.body or request.method != "HEAD"):
        lines.append(f"Content-Length: {len(response.body)}")
    if request.version == "HTTP/1.1" and not request.keep_alive:
        lines.append("Connection: close")
    if request.version == "HTTP/1.0" and request.keep_alive:
        lines.append("Connection: keep-alive")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def encode_error(error: BadRequestError) -> bytes:
    """Write the answer to something that is not HTTP, as Go's net/http does."""
    text = f"{error.status} {_phrase(error.status)}" + (f": {error.reason}" if error.reason else "")
    head = "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    return f"HTTP/1.1 {text}\r\n{head}{error.body or text}".encode("latin-1")


def encode_chunk(data: bytes) -> bytes:
    """Write one chunk of a stream; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
