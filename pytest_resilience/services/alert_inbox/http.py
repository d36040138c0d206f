"""HTTP/1.1 as far as a webhook needs it: request after request on a connection, answered by a function."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a body that are read; whoever sends more is answered 413."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[Request], Awaitable[Response]]


class MalformedRequest(Exception):  # noqa: N818 - a fact about the bytes, answered with `status`, never raised out
    """Say that the bytes are no request that can be answered otherwise than with this status."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


def http_protocol(answer: Answer) -> asyncio.StreamReaderProtocol:
    """Make the protocol of one connection, on the running loop."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _serve(reader, writer, answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone, or a fault broke the connection: nobody is left to answer
        finally:
            writer.close()

    return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=64 * 1024), serve)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    keep_alive = True
    while keep_alive:
        try:
            request = await _read_request(reader, writer)
        except MalformedRequest as malformed:
            request, response = None, Response(malformed.status)
        else:
            if request is None:
                return
            response = await answer(request)
        keep_alive = request is not None and request.headers.get("connection", "").lower() != "close"
        writer.write(_encode(response, keep_alive=keep_alive))
        await writer.drain()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    except asyncio.LimitOverrunError:
        raise MalformedRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None
    method, path, headers = _parse_head(head)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Request(method, path, headers, await _read_body(reader, headers))


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise MalformedRequest(HTTPStatus.BAD_REQUEST)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if parts[2] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return parts[0], parts[1], headers


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise MalformedRequest(HTTPStatus.BAD_REQUEST)
    return await reader.readexactly(_bounded(int(length)))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := await _chunk_size(reader):
        body += await reader.readexactly(_bounded(size, so_far=len(body)))
        await reader.readexactly(2)
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass  # trailers mean nothing here
    return bytes(body)


async def _chunk_size(reader: asyncio.StreamReader) -> int:
    line = await reader.readuntil(b"\r\n")
    try:
        return int(line.split(b";")[0], 16)
    except ValueError:
        raise MalformedRequest(HTTPStatus.BAD_REQUEST) from None


def _bounded(size: int, *, so_far: int = 0) -> int:
    if size < 0 or size + so_far > MAX_BODY:
        raise MalformedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return size


def _encode(response: Response, *, keep_alive: bool) -> bytes:
    reason = HTTPStatus(response.status).phrase if response.status in _KNOWN else "Unknown"
    own = {"Content-Length": str(len(response.body)), "Connection": "keep-alive" if keep_alive else "close"}
    lines = [f"{name}: {value}" for name, value in {**response.headers, **own}.items()]
    head = "\r\n".join([f"HTTP/1.1 {response.status} {reason}", *lines, "", ""])
    return head.encode("latin-1") + response.body


_KNOWN = frozenset(HTTPStatus)
