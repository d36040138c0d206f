"""HTTP messages are found wherever the bytes are cut, and put together again they are what came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.proxy.wire.errors import ProtocolError
from pytest_resilience.proxy.wire.http.frames import HttpReader, Part
from pytest_resilience.proxy.wire.http.head import parse_reply, parse_request

CUTS = st.lists(st.integers(0, 3_000), max_size=30)
BODIES = st.binary(max_size=60)


def counted(body: bytes) -> bytes:
    """Return a message's end with a declared length."""
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes) -> bytes:
    """Return a message's end in chunks of seven bytes."""
    chunks = [body[start : start + 7] for start in range(0, len(body), 7)]
    framed = b"".join(b"%X;a=b\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"transfer-encoding: gzip, Chunked\r\n\r\n" + framed + b"0\r\nX-Trailer: y\r\n\r\n"


ENDS = st.sampled_from([counted, chunked])
MESSAGES = st.lists(st.tuples(BODIES, ENDS), min_size=1, max_size=4)


def read(reader: HttpReader, data: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    """Read data in pieces; return the bodies of the messages that are whole, and all bytes."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    bodies: list[bytes] = []
    body, raw = b"", b""
    for start, end in zip([0, *places], [*places, len(data)], strict=True):
        for piece in reader.read(data[start:end]):
            raw += piece.raw
            body += piece.payload
            if piece.part is Part.END:
                bodies.append(body)
                body = b""
    return bodies, raw + reader.unread()


@given(MESSAGES, CUTS)
def test_requests(messages, cuts):
    """Any segmentation gives the same requests, and every byte."""
    data = b"".join(b"\r\nPOST /x HTTP/1.1\r\nHost: y\r\n" + end(body) for body, end in messages)
    bodies, raw = read(HttpReader.of_requests(), data, cuts)

    assert bodies == [body for body, _ in messages]
    assert raw == data


@given(MESSAGES, CUTS)
def test_replies(messages, cuts):
    """Any segmentation gives the same replies, and every byte; interim ones have no body."""
    interim = b"HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n"
    data = b"".join(interim + b"HTTP/1.1 200 OK\r\n" + end(body) for body, end in messages)
    reader = HttpReader.of_replies(lambda head: parse_reply(head.raw).has_body("GET"))
    bodies, raw = read(reader, data, cuts)

    assert bodies[1::2] == [body for body, _ in messages]
    assert raw == data


@given(st.binary(max_size=300), CUTS)
def test_random_bytes_give_messages_or_a_refusal(data, cuts):
    """Nothing but a refusal comes of random bytes, and none are lost before it."""
    for reader in (HttpReader.of_requests(), HttpReader.of_replies(lambda _: True)):
        try:
            _, raw = read(reader, data, cuts)
        except ProtocolError:
            continue

        assert raw == data


@pytest.mark.parametrize(
    "beginning", [b"\x16\x03\x01", b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"PRI * HTTP/2.0\r\n\r\n"]
)
def test_other_protocols_are_refused_at_once(beginning):
    """What cannot become a request is not waited for."""
    with pytest.raises(ProtocolError):
        list(HttpReader.of_requests().read(beginning))


@pytest.mark.parametrize(
    ("target", "path"),
    [("/a?b=/c", "/a"), ("http://host:80/a/b?c", "/a/b"), ("*", "*"), ("http://host", "/"), ("/a#b", "/a")],
)
def test_path(target, path):
    """The path is what faults look at: no scheme, host or query."""
    assert parse_request(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).path == path


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (200, "GET", True),
        (200, "HEAD", False),
        (204, "GET", False),
        (304, "GET", False),
        (100, "POST", False),
    ],
)
def test_bodies_of_replies(status, method, expected):
    """Which replies have a body depends on their status and on what was asked."""
    head = parse_reply(f"HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n".encode())

    assert head.has_body(method) is expected


def test_reply_up_to_the_end_of_its_connection():
    """Without a length the body ends with the connection."""
    reader = HttpReader.of_replies(lambda _: True)
    parts = [piece.part for piece in reader.read(b"HTTP/1.0 200 OK\r\n\r\nall")]
    last = [piece.part for piece in reader.finish()]

    assert (parts, last) == ([Part.HEAD, Part.BODY], [Part.END])


@pytest.mark.parametrize("length", ["-1", "1, 2", "x", "+1", "1_0", "9" * 19, "9" * 5000])
def test_wrong_lengths_are_refused(length):
    """A length that is none is not guessed at."""
    with pytest.raises(ProtocolError):
        list(HttpReader.of_requests().read(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode()))


@pytest.mark.parametrize("length", ["0003", "0" * 5000 + "3"])
def test_zeros_before_a_length_mean_nothing(length):
    """However many there are."""
    assert parse_request(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode()).length == 3
