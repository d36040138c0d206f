"""HTTP below the API: what Go's net/http makes of odd requests is what clients may count on."""

from __future__ import annotations

import re
from typing import Any

import pytest

CLOSE = b"Host: x\r\nConnection: close\r\n"
CHUNKED = b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"
HOSTS = [b"", b"[::1]:8474", b"a_b.c:1", b"a b", b"a/b", b"a@b", b'a"b', b"a\\b", b"\xc3\xa9", b"a\x01"]
SIZES = [b"q", b"", b"-1", b"0x2", b" 2", b"f" * 17]
"""What is no size of a chunk."""
PLACES = [
    b"POST /nope",
    b"PUT /proxies",
    b"POST /reset",
    b"GET /version",
    b"POST /populate",
    b"PATCH /proxies/p",
]
"""Where a body is not read, or its error is another."""
BYTES = [
    b"GARBAGE\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /x%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /x% HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"\r\nGET /version HTTP/1.0\r\n\r\n",
    b"GET /version HTTP/1.1\nHost: x\nConnection: close\n\n",
    b"GET /version HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
    b"GET /version HTTP/1.1\r\nHost: x\r\nBad : x\r\n\r\n",
    b"GET /version HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    b"GET http://a/version HTTP/1.1\r\n" + CLOSE + b"\r\n",
    b"get /version HTTP/1.1\r\n" + CLOSE + b"\r\n",
    b"GE T /version HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET version HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + CLOSE + b"\r\n",
    b"GET /version HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /version HTTP/1.0\r\n\r\n",
    b"GET /version HTTP/1.1\r\nHost: x\r\n\r\nGET /proxies HTTP/1.1\r\n" + CLOSE + b"\r\n",
    b"POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
    b"POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"POST /proxies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"POST /proxies HTTP/1.1\r\n"
    + CLOSE
    + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nT: x\r\n\r\n",
    b"POST /proxies HTTP/1.1\r\n"
    + CLOSE
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST /proxies HTTP/1.1\r\n" + CLOSE + b"\r\n",
    b"POST /proxies HTTP/1.1\r\n" + CLOSE + b"Expect: something\r\nContent-Length: 2\r\n\r\n{}",
    b"GET /proxies HTTP/1.1\r\n" + CLOSE + b"User-Agent: Mozilla/5.0 (X11)\r\n\r\n",
    b"GET /nope HTTP/1.1\r\n" + CLOSE + b"User-Agent: Mozilla/5.0 (X11)\r\n\r\n",
    *[b"HEAD /%b HTTP/1.1\r\n" % path + CLOSE + b"\r\n" for path in (b"nope", b"", b"proxies/", b"version")],
    *[b"GET /version HTTP/1.1\r\nConnection: close\r\nHost: %b\r\n\r\n" % host for host in HOSTS],
    *[b"GET /version HTTP/1.1\r\n" + CLOSE + b"X: a%cb\r\n\r\n" % byte for byte in b"\0\x01\t\r\x1f\x7f\x80"],
    *[b"GET /version?a%cb HTTP/1.1\r\n" % byte + CLOSE + b"\r\n" for byte in b"\0\x01\t\r\x1f\x7f\x80"],
    *[b"POST /proxies HTTP/1.1\r\n" + CHUNKED + b"1\r\n{\r\n%b\r\n" % size for size in SIZES],
    *[b"%b HTTP/1.1\r\n" % where + CHUNKED + b"q\r\n" for where in PLACES],
    b"GET /nope\0 HTTP/1.1\r\n" + CLOSE + b"\r\n",
    b"GET /version HTTP/1.1\r\n" + CLOSE + b"X\0: a\r\n\r\n",
]


def plain(answer: bytes) -> list[tuple[bytes, list[bytes], bytes]]:
    """Take an answer apart: status line, sorted headers, body; leave out what differs from run to run."""
    parts = []
    for one in re.split(rb"(?=HTTP/1\.[01] \d{3} )", answer):
        head, _, body = one.partition(b"\r\n\r\n")
        status, *headers = head.split(b"\r\n")
        kept = [re.sub(b"^(X-Toxiproxy-Request-Id: ).*", rb"\1ID", line) for line in headers]
        parts.append((status, sorted(line for line in kept if not line.startswith(b"Date: ")), body))
    return parts


@pytest.fixture(scope="module")
def answers(start: Any, toxiproxy_binary: str) -> dict[str, list[bytes]]:
    """All of it, sent to both engines."""
    found = {}
    for name in ("ours", "toxiproxy"):
        with start(name) as one:
            found[name] = [one.raw(data) for data in BYTES]
    return found


@pytest.mark.parametrize("number", range(len(BYTES)), ids=lambda n: repr(BYTES[n][:40]))
def test_odd_requests_are_answered_alike(answers: dict[str, list[bytes]], number: int) -> None:
    """Status lines, headers and bodies are the same."""
    assert plain(answers["toxiproxy"][number]) == plain(answers["ours"][number])


def test_a_client_that_waits_for_continue_gets_it(engine: Any) -> None:
    """`Expect: 100-continue` is answered before the body is sent."""
    head = b"POST /proxies HTTP/1.1\r\n" + CLOSE + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with engine.open() as sock:
        sock.sendall(head)
        assert sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"{}")

        assert sock.recv(100).startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize("where", [b"POST /nope", b"PUT /proxies", b"POST //proxies"])
def test_a_client_that_waits_in_vain_is_told_at_once(engine: Any, where: bytes) -> None:
    """Where no body would be read, the answer does not wait for it, and is the last one of the connection."""
    head = b"%b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n" % where
    with engine.open() as sock, sock.makefile("rb") as answer:
        sock.sendall(head)
        status, *headers = iter(answer.readline, b"\r\n")

    assert status.split()[1] in (b"404", b"405", b"301")
    assert b"Connection: close\r\n" in headers


@pytest.mark.parametrize("size", [1, 7])
def test_a_request_in_pieces_is_a_request(engine: Any, size: int) -> None:
    """However a request is segmented, it is understood."""
    request = b"POST /populate HTTP/1.1\r\n" + CLOSE + b"Content-Length: 2\r\n\r\n[]"
    with engine.open() as sock:
        for start in range(0, len(request), size):
            sock.sendall(request[start : start + size])

        assert b"".join(iter(lambda: sock.recv(999), b""))[-16:] == b'{"proxies":null}'
