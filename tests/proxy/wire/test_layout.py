"""Segments known by their layout: the same lengths of the same messages, and nothing else."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.proxy.wire.postgres.layout import LONGEST, MOST_TRIES, Layouts

payloads = st.lists(st.tuples(st.sampled_from(b"BDES"), st.binary(max_size=5)), min_size=1, max_size=4)


def framed(messages):
    """Return the messages as one segment."""
    return b"".join(bytes([kind]) + struct.pack("!I", 4 + len(data)) + data for kind, data in messages)


def sizes(messages):
    """Return each message's kind and length."""
    return [(kind, 5 + len(data)) for kind, data in messages]


@given(learnt=payloads, met=payloads)
def test_a_segment_fits_where_its_messages_are_as_long(learnt, met):
    """Neither another kind, nor another length, nor one that only adds up alike."""
    layouts = Layouts()
    layouts.learn(len(framed(learnt)), sizes(learnt), "frames")

    found = layouts.of(framed(met))

    assert (found is not None) == (sizes(met) == sizes(learnt))
    assert found is None or found.frames == "frames"


def test_what_is_long_is_not_kept():
    """Memory stays bounded: one layout for each length up to a limit."""
    long = [(ord("Q"), b"x" * LONGEST)]
    layouts = Layouts()
    layouts.learn(len(framed(long)), sizes(long), ())

    assert layouts.of(framed(long)) is None


def test_a_length_whose_layout_keeps_changing_is_left_alone():
    """After some tries no more layouts are made for it."""
    layouts = Layouts()
    for number in range(MOST_TRIES + 1):
        other = [(number, b"")]
        layouts.learn(5, sizes(other), number)

    assert layouts.of(framed([(MOST_TRIES, b"")])) is None
    assert layouts.of(framed([(MOST_TRIES - 1, b"")])).frames == MOST_TRIES - 1
