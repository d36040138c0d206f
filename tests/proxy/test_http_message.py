"""Requests from bytes, in whatever pieces they come."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.proxy.http_message import BadRequestError, Request, RequestParser

STREAM = (
    b"POST /a%20b?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    b"PATCH /c HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: y\r\n\r\n"
    b"GET / HTTP/1.0\nConnection: keep-alive\n\n"
)
EXPECTED = [
    ("POST", "/a b", "x=1", b"hello"),
    ("PATCH", "/c", "", b"abc0123456789"),
    ("GET", "/", "", b""),
]


def parsed(pieces: list[bytes]) -> list[Request]:
    """Feed pieces, and take requests as they become whole."""
    parser, requests = RequestParser(), []
    for piece in pieces:
        parser.feed(piece)
        while (request := parser.next_request()) is not None:
            requests.append(request)
    return requests


@given(st.lists(st.integers(1, len(STREAM) - 1)))
def test_segmentation_does_not_matter(cuts: list[int]) -> None:
    """Three requests in a row are the same three however they are cut."""
    borders = [0, *sorted(cuts), len(STREAM)]
    requests = parsed([STREAM[start:end] for start, end in itertools.pairwise(borders)])

    assert [(r.method, r.path, r.query, r.body) for r in requests] == EXPECTED


@given(
    st.binary(), st.sampled_from([b"", b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"])
)
def test_garbage_is_refused_or_waited_for(data: bytes, head: bytes) -> None:
    """Any bytes are a request, the beginning of one, or a `BadRequestError`."""
    with contextlib.suppress(BadRequestError):
        parsed([head, data])


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 2_000_000,
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 2_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n",
    ],
)
def test_what_would_fill_the_memory_is_refused(data: bytes) -> None:
    """Heads, lengths and chunks have limits."""
    with pytest.raises(BadRequestError):
        parsed([data])


@pytest.mark.parametrize(
    ("chunks", "broken"),
    [
        (b"q\r\n", "invalid byte in chunk length"),
        (b"2\r\n{}q", "malformed chunked encoding"),
        (b"1" * 5000, "header line too long"),
        (b"2;" + b"x" * 5000, "header line too long"),
    ],
)
def test_a_body_of_bad_chunks_is_a_request_that_is_the_last(chunks: bytes, broken: str) -> None:
    """What is asked for may not need the body; after it nothing can be understood."""
    (request,) = parsed(
        [b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", chunks + b"\r\n"]
    )

    assert (request.broken, request.keep_alive) == (broken, False)
