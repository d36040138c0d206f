"""Why a fault never fired: how near the traffic came to its trigger, and what in it was nearest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher, get_close_matches

from pytest_resilience.chaos.expectations.fault_words import ordinal
from pytest_resilience.chaos.expectations.judgement import shortened
from pytest_resilience.chaos.points.of_http import request_template
from pytest_resilience.chaos.run.record import FaultRecord, Message, RunRecord
from pytest_resilience.chaos.scenario.model import When

_LIKE = 0.6
"""How alike two texts are, from 0 to 1, for the one to be a slip of the other."""
_MOST_NAMES = 8
_LARGE = {"slicer": "size", "limit_data": "bytes"}
"""Faults that small messages do not meet, with the attribute that says what is small."""
_TOO_LITTLE = {
    "slicer": "nothing larger than pieces of {} bytes came by",
    "limit_data": "no connection carried {} bytes",
}


def why_never_fired(fault: FaultRecord, record: RunRecord) -> str:
    """Say how near the traffic came to the trigger, where that can be counted; for the end of a sentence."""
    when = fault.order.when
    there = None if fault.injected_at is None else _was_there(fault, fault.injected_at)
    if there is not None:
        return f": {there}"
    if when.after is not None:
        return ": the workload made no connection, or had ended by then"
    if when.start:
        return ": no connection came across it"
    if when.rows is not None:
        return f": {_rows(fault, record)}"
    seen = sum(message.count for message in record.messages if _is_match(message, fault))
    near = _nearest(fault, record) if seen == 0 else ""
    return f": {seen} matched, the {ordinal(when.nth)} was to be hit{near}"


def _was_there(fault: FaultRecord, since: float) -> str | None:
    """Say what did not come to a fault that was there; none of faults that any connection meets."""
    kind = fault.order.kind
    if kind == "disk_full":
        return _no_write(fault, since)
    if kind == "clock_jump":
        return f"it jumped at {since:.3f} s, but the workload did not read the wall clock from then on"
    if kind in _LARGE:
        size = fault.order.attributes[_LARGE[kind]]
        return f"it was there from {since:.3f} s on, but {_TOO_LITTLE[kind].format(size)}"
    return None


def _no_write(fault: FaultRecord, since: float) -> str:
    """Say of a disk that was full that nobody came to write to it."""
    when, attributes = fault.order.when, fault.order.attributes
    room, below = attributes.get("bytes", 0), attributes.get("path", ".")
    wrote = f"no more than the {room} bytes that are allowed" if room else "nothing"
    of_server = (
        """; for a full disk of the database's server use `error: {sqlstate: "53100"}`"""
        if when.rows is not None or when.message is not None or when.sql is not None
        else ""
    )
    return f"it was there from {since:.3f} s on, but the workload wrote {wrote} below {below!r}{of_server}"


def _rows(fault: FaultRecord, record: RunRecord) -> str:
    when = fault.order.when
    of_table = f" of {when.table}" if when.table else ""
    if fault.rows_seen is None:
        return f"fewer than {when.rows} rows{of_table} were seen, or none after them"
    too_few = fault.rows_seen < (when.rows or 0)
    near = _nearest(fault, record) if when.table and fault.rows_seen == 0 else ""
    return f"{fault.rows_seen} rows{of_table} were seen{'' if too_few else ', and none after them'}{near}"


def _is_match(message: Message, fault: FaultRecord) -> bool:
    when = fault.order.when
    if message.service != fault.order.on or message.side != when.side:
        return False
    if when.connection not in {None, message.connection}:
        return False
    texts = [text for text in (message.message, message.shape) if text]
    if when.message is not None:
        wanted = when.message.upper()
        return any(text.upper() == wanted or text.upper().split()[:1] == [wanted] for text in texts)
    if when.sql is not None:
        return any(re.search(when.sql, text, re.IGNORECASE) for text in texts)
    return any(_is_request(when.request or "", text) for text in texts)


def _is_request(wanted: str, text: str) -> bool:
    pattern = "".join(
        "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", wanted)
    )
    return re.fullmatch(pattern, text.partition("?")[0], re.IGNORECASE) is not None


def _nearest(fault: FaultRecord, record: RunRecord) -> str:
    """Name what in the traffic of the fault's service was nearest to its trigger."""
    when = fault.order.when
    requests = [one for one in record.messages if one.service == fault.order.on and one.side == "request"]
    if when.message is not None:
        return _said_of_names(when.message, dict.fromkeys(_names(requests)))
    if when.request is not None:
        asked = [request_template(one) for one in requests if one.shape is not None]
        return _said_of_names(when.request, dict.fromkeys(asked))
    shapes = dict.fromkeys(one.shape for one in requests if one.shape)
    return _said_of_statements(_wanted_words(when), shapes)


def _names(requests: list[Message]) -> Iterator[str]:
    """Yield what a trigger could have named: a statement's first word, else the message."""
    for one in requests:
        yield one.shape.split()[0].upper() if one.shape and one.shape.split() else one.message


def _said_of_names(wanted: str, seen: dict[str, None]) -> str:
    if close := get_close_matches(wanted, seen, n=1, cutoff=_LIKE):
        return f"; nearest seen: {close[0]}"
    more = f" and {len(seen) - _MOST_NAMES} more" if len(seen) > _MOST_NAMES else ""
    return f"; seen were {', '.join(list(seen)[:_MOST_NAMES])}{more}" if seen else ""


def _wanted_words(when: When) -> str:
    """Return what is looked for in statements, as plain text: a pattern without what makes it one."""
    if when.table is not None:
        return f"insert into {when.table}"
    words = re.sub(r"\\.|\(\?[^:)]*[:)]", " ", when.sql or "")
    return " ".join(re.sub(r"[^\w.]+", " ", words).split())


def _said_of_statements(wanted: str, shapes: dict[str, None]) -> str:
    windows = [window for shape in shapes for window in _windows(shape, len(wanted.split()))]
    if not windows:
        return ""
    alike, nearest = max(((_alike(wanted, window), window) for window in windows), key=lambda each: each[0])
    return f"; nearest seen: {shortened(nearest, 80)}" if alike >= _LIKE else ""


def _windows(shape: str, length: int) -> Iterator[str]:
    """Yield each run of so many words; what follows a name without a blank is not part of it."""
    words = [word for word in re.split(r"\s+|[(),;]", shape) if word]
    for start in range(max(1, len(words) - length + 1)):
        yield " ".join(words[start : start + length])


def _alike(wanted: str, window: str) -> float:
    return SequenceMatcher(None, wanted.casefold(), window.casefold(), autojunk=False).ratio()
