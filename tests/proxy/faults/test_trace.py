"""The message trace: what is written as a segment is read as its messages, from any number on."""

from __future__ import annotations

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.proxy.faults import trace as traces
from pytest_resilience.proxy.faults.trace import Trace

STATUS = st.sampled_from("ITE")
MESSAGES = st.lists(st.tuples(st.sampled_from(b"BES"), st.integers(5, 90), STATUS), min_size=1, max_size=6)
"""Of each message of a segment its kind and size, and the transaction status from it on."""


def entries_of(at, messages):
    """Return messages as entries; each tells a text."""
    return [
        (at, 1, "request", kind, f"text {place}", size, 1, status, None)
        for place, (kind, size, status) in enumerate(messages)
    ]


def segment_of(at, before, messages, told):
    """Return the same messages as a segment, which notes of those in `told` what changed."""
    changes = [(place, f"text {place}", messages[place][2]) for place in told]
    return at, 1, "request", [(kind, size) for kind, size, _ in messages], before, changes


def model_of(at, before, messages, told):
    """Return how a segment is read: a message of which nothing is noted has no text, and the status before it."""
    found, status = [], before
    for place, entry in enumerate(entries_of(at, messages)):
        status = messages[place][2] if place in told else status
        found.append((*entry[:4], entry[4] if place in told else None, *entry[5:7], status, None))
    return found


@given(
    st.lists(st.tuples(st.booleans(), STATUS, MESSAGES, st.sets(st.integers(0, 5))), max_size=8),
    st.integers(1, 12),
)
def test_segments_are_read_as_their_messages(written, most):
    """Whatever is kept, and from whichever number it is asked for, also in the middle of a segment."""
    with mock.patch.object(traces, "KEPT", most):
        trace = Trace()
    model = []
    for at, (as_segment, before, messages, places) in enumerate(written):
        told = sorted(place for place in places if place < len(messages))
        if as_segment:
            trace.write_segment(segment_of(float(at), before, messages, told))
            model += model_of(float(at), before, messages, told)
        else:
            trace.extend(entries_of(float(at), messages))
            model += entries_of(float(at), messages)

    numbered = list(enumerate(model, 1))[-most:] if model else []

    assert trace.written == len(model)
    for number in range(len(model) + 1):
        assert list(trace.since(number)) == [each for each in numbered if each[0] > number]
