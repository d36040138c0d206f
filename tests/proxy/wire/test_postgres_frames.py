"""Messages are found wherever the bytes are cut, memory is bounded, and what is no PostgreSQL is said to be none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.proxy.wire.errors import ProtocolError
from pytest_resilience.proxy.wire.postgres.frames import CONTINUATION, GLANCED, STARTUP, FrameReader

STARTUP_MESSAGE = struct.pack("!II", 16, 196608) + b"user\0me\0"
KINDS = st.sampled_from([b"Q", b"P", b"B", b"E", b"S", b"d", b"c", b"X"])
MESSAGES = st.lists(st.tuples(KINDS, st.binary(max_size=40)), max_size=12)
CUTS = st.lists(st.integers(0, 2_000), max_size=30)


def framed(kind: bytes, payload: bytes) -> bytes:
    """Frame a message."""
    return kind + struct.pack("!I", 4 + len(payload)) + payload


def found(reader: FrameReader, data: bytes, cuts: list[int]) -> list[tuple[int, bytes]]:
    """Read data in pieces; return messages, runs and rests of a kind joined."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    messages: list[tuple[int, bytes]] = []
    for start, end in zip([0, *places], [*places, len(data)], strict=True):
        for kind, first, last in reader.read(data[start:end]):
            piece = reader.buffer[first:last]
            if messages and (kind == CONTINUATION or (kind == messages[-1][0] == ord("d"))):
                messages[-1] = (messages[-1][0], messages[-1][1] + piece)
            else:
                messages.append((kind, piece))
    return messages


@given(MESSAGES, CUTS)
def test_any_segmentation_gives_the_same_messages(messages, cuts):
    """Cut anywhere, 1-byte segments too, the messages are the same and all bytes are there."""
    data = STARTUP_MESSAGE + b"".join(framed(*message) for message in messages)

    def read(cut: list[int]) -> list[tuple[int, bytes]]:
        reader = FrameReader.of_requests()
        reader.startup = False
        first = FrameReader.of_requests()
        assert [kind for kind, _, _ in first.read(STARTUP_MESSAGE)] == [STARTUP]
        return found(reader, data[len(STARTUP_MESSAGE) :], cut)

    whole, cut, singly = read([]), read(cuts), read(list(range(2_000)))

    assert whole == cut == singly
    assert b"".join(piece for _, piece in whole) == data[len(STARTUP_MESSAGE) :]


@given(MESSAGES.filter(bool), st.integers(0, 11), CUTS)
def test_messages_can_be_given_back(messages, index, cuts):
    """Whoever stops at a message and gives it back finds it again later, with all that follows."""
    data = b"".join(framed(*message) for message in messages if message[0] != b"d")
    reader = FrameReader.of_requests()
    reader.startup = False
    seen = []
    rest = data
    for number, (kind, start, end) in enumerate(reader.read(data)):
        if number == index:
            rest = reader.give_back(start)
            break
        seen.append((kind, reader.buffer[start:end]))
    else:
        rest = reader.unread()
    seen += found(reader, rest, cuts)

    assert b"".join(piece for _, piece in seen) == data


def test_large_message_is_not_kept():
    """Of a message longer than may be held the beginning is given out, then the rest as it comes."""
    reader = FrameReader.of_requests()
    reader.startup = False
    size = 50 * 1024 * 1024
    head = b"Q" + struct.pack("!I", size + 4)
    kept, kinds, passed = 0, [], 0
    for piece in (head, *(bytes(1024 * 16) for _ in range(size // (1024 * 16)))):
        for kind, start, end in reader.read(piece):
            kinds.append(kind)
            passed += end - start
        kept = max(kept, len(head) + sum(map(len, reader._parts)))

    assert passed == size + 5
    assert kinds[0] == ord("Q")
    assert set(kinds[1:]) == {CONTINUATION}
    assert kept <= GLANCED + 16 * 1024
    assert not reader.unfinished


def test_rows_are_one_run():
    """A thousand rows are one step, counted."""
    reader = FrameReader.of_replies()
    data = framed(b"T", b"x") + framed(b"D", b"row") * 1000 + framed(b"C", b"SELECT 1000\0")
    seen = [(chr(kind), reader.count) for kind, _, _ in reader.read(data)]

    assert seen == [("T", 1), ("D", 1000), ("C", 1)]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\xff\xff\xff\xff\x00\x03\x00\x00",
    ],
)
def test_other_protocols_are_refused_at_once(data):
    """What does not begin like a session is not waited for."""
    with pytest.raises(ProtocolError):
        list(FrameReader.of_requests().read(data))


@given(st.binary(max_size=300), CUTS)
def test_random_bytes_give_messages_or_a_refusal(data, cuts):
    """Nothing but a refusal comes of random bytes, and none are lost before it."""
    for reader in (FrameReader.of_requests(), FrameReader.of_replies()):
        try:
            messages = found(reader, data, cuts)
        except ProtocolError:
            continue

        assert b"".join(piece for _, piece in messages) + reader.unread() == data


def test_parser_that_looks_at_segment_starts_is_caught():
    """What these tests are for: a parser that expects a message at each segment's start misses the cut ones."""
    data = framed(b"Q", b"begin\0") + framed(b"Q", b"commit\0")

    def naive(segments: list[bytes]) -> int:
        return sum(b"commit" in segment and segment[:1] == b"Q" for segment in segments)

    reader = FrameReader.of_requests()
    reader.startup = False
    right = sum(b"commit" in piece for _, piece in found(reader, data, list(range(len(data)))))

    assert right == 1
    assert naive([data[i : i + 1] for i in range(len(data))]) == 0
