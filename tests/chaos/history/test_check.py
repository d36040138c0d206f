"""The checkers find every planted bug, and say nothing of a sound store, however its calls end."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.chaos.history import Operation, check
from pytest_resilience.chaos.history.register import Register
from pytest_resilience.chaos.history.zones import conflicts

KEYS = ("a", "b", "c")
CLEAN_HISTORIES = 1_000


def write(value, began, ended, outcome="ok", key="a", unit=None):
    """Make a write."""
    return Operation(
        process=0, kind="write", key=key, value=value, began=began, ended=ended, outcome=outcome, unit=unit
    )


def read(value, began, ended, key="a", unit=None):
    """Make a read; `value` is what it found, as a tuple."""
    return Operation(
        process=1, kind="read", key=key, value=value, began=began, ended=ended, outcome="ok", unit=unit
    )


def kinds(*history):
    """Return the kinds of what is found."""
    return [anomaly.kind for anomaly in check(history)]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], []),
        ([write(1, 0, 1), read((1,), 2, 3)], []),
        ([write(1, 0, 1), read((), 2, 3)], ["lost"]),
        ([write(1, 0, 1), write(2, 2, 3), read((1,), 4, 5)], ["lost"]),
        ([write(1, 0, 1), write(2, 2, 3), read((1,), 4, 5), read((2,), 6, 7)], ["stale"]),
        ([write(1, 0, 1), read((), 2, 3), read((1,), 4, 5)], ["stale"]),
        ([write(1, 0, 1), write(2, 0, 3), read((1,), 4, 5)], []),
        ([write(1, 0, 9), write(2, 0, 9), read((1,), 1, 2), read((2,), 3, 4), read((1,), 5, 6)], ["lost"]),
        ([write(1, 0, 1, "unknown"), read((), 2, 3), read((1,), 4, 5)], []),
        ([write(1, 0, 1, "unknown"), read((1,), 2, 3), read((), 4, 5)], ["lost"]),
        ([write(1, 0, 1, "unknown"), write(2, 2, 3), read((1,), 4, 5)], []),
        ([write(1, 0, 1, "fail"), read((), 2, 3)], []),
        ([write(1, 0, 1, "fail"), read((1,), 2, 3)], ["phantom"]),
        ([read((1,), 0, 1)], ["phantom"]),
        ([read((1,), 0, 1), write(1, 2, 3)], ["phantom"]),
        ([write(1, 0, 1), read((1, 1), 2, 3)], ["doubled"]),
        ([write(1, 0, 1), write(2, 2, 3), read((1, 2), 4, 5)], ["doubled"]),
        ([write(1, 0, 1), write(1, 2, 3), read((1,), 4, 5)], []),
        ([write(1, 0, 1), write(1, 2, 3), read((), 4, 5)], ["lost", "lost"]),
        ([write(1, 0, 1), write(2, 2, 3), write(1, 4, 5), read((1,), 6, 7)], []),
    ],
)
def test_one_key(history, expected):
    """Each definition, and what is next to it and sound."""
    assert kinds(*history) == expected


def pair(values, began, ended, outcome="ok", unit="t"):
    """Make a transaction of one write to each key."""
    return [write(value, began, ended, outcome, key, unit) for key, value in values.items()]


def snapshot(values, began, ended, unit="s"):
    """Make a snapshot of several keys."""
    return [read(value, began, ended, key, unit) for key, value in values.items()]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([*pair({"a": 1, "b": 2}, 0, 9), *snapshot({"a": (1,), "b": (2,)}, 1, 2)], set()),
        ([*pair({"a": 1, "b": 2}, 0, 9), *snapshot({"a": (), "b": ()}, 1, 2)], set()),
        ([*pair({"a": 1, "b": 2}, 0, 9), *snapshot({"a": (1,), "b": ()}, 1, 2)], {"torn"}),
        ([*pair({"a": 1, "b": 2}, 0, 1, "unknown"), *snapshot({"a": (), "b": (2,)}, 2, 3)], {"torn"}),
        ([*pair({"a": 1, "b": 2}, 0, 1), *snapshot({"a": (1,), "b": ()}, 2, 3)], {"torn", "lost"}),
        ([*pair({"a": 1, "b": 2}, 0, 1, "fail"), *snapshot({"a": (1,), "b": ()}, 2, 3)], {"phantom"}),
        (
            [*pair({"a": 1, "b": 2}, 0, 1), write(3, 2, 3, key="b"), *snapshot({"a": (1,), "b": (3,)}, 4, 5)],
            set(),
        ),
        (
            [write(0, 0, 1, key="b"), *pair({"a": 1, "b": 2}, 2, 9), *snapshot({"a": (1,), "b": (0,)}, 3, 4)],
            {"torn"},
        ),
        (
            [write(0, 0, 9, key="b"), *pair({"a": 1, "b": 2}, 2, 9), *snapshot({"a": (1,), "b": (0,)}, 3, 9)],
            set(),
        ),
        (
            [write(1, 0, 9, unit="t"), write(2, 0, 9, unit="t"), *snapshot({"a": (1,)}, 1, 2)],
            {"torn"},
        ),
    ],
)
def test_transactions(history, expected):
    """A part without the rest is torn, whatever became of the transaction; separate reads are no snapshot."""
    apart = [dataclasses.replace(each, unit=None) if each.kind == "read" else each for each in history]

    assert (set(kinds(*history)), "torn" in kinds(*apart)) == (expected, False)


@st.composite
def small_histories(draw):
    """At most six operations on one key, with any intervals, outcomes and values read."""
    times = st.integers(0, 8)
    writes = []
    for value in range(draw(st.integers(1, 3))):
        began, ended = sorted((draw(times), draw(times)))
        writes.append(write(value, began, ended, draw(st.sampled_from(["ok", "ok", "unknown"]))))
    reads = []
    for _ in range(draw(st.integers(1, 3))):
        began, ended = sorted((draw(times), draw(times)))
        found = draw(st.sampled_from([(), *((each.value,) for each in writes)]))
        reads.append(read(found, began, ended))
    return writes + reads


def has_an_order(history):
    """Try all orders of what took effect: the definition, word by word."""
    certain = [each for each in history if each.outcome == "ok"]
    open_ended = [each for each in history if each.outcome == "unknown"]
    for size in range(len(open_ended) + 1):
        for chosen in itertools.combinations(open_ended, size):
            if any(_explains(order) for order in itertools.permutations([*certain, *chosen])):
                return True
    return False


def _explains(order):
    at, now = -math.inf, ()
    for each in order:
        at = max(at, each.began)
        if at > each.over:
            return False
        if each.kind == "write":
            now = (each.value,)
        elif each.value != now:
            return False
    return True


@given(small_histories())
def test_lost_and_stale_are_exact(history):
    """Something is found just when no order of the operations explains all reads."""
    found = [anomaly for anomaly in check(history) if anomaly.kind in {"lost", "stale", "phantom"}]

    assert bool(found) is not has_an_order(history)


class SoundStore:
    """A store whose calls take effect at one moment each, while their clients see them begin, end, fail or break."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.values = itertools.count(1)
        self.units = itertools.count(1)

    def history(self, length=60, processes=5):
        """Return what the clients of a random run have seen."""
        free = [0.0] * processes
        planned = []
        for _ in range(length):
            process = self.random.randrange(processes)
            began = free[process] + self.random.random()
            effect, free[process] = began + self.random.random(), began + 1 + self.random.random()
            planned.append(self._call(process, began, effect, free[process]))
        return self._run(planned)

    def _call(self, process, began, effect, ended):
        keys = self.random.sample(KEYS, self.random.randint(1, len(KEYS)))
        kind = self.random.choice(["write", "read"])
        outcome = self.random.choice(["ok"] * 6 + ["fail", "unknown", "unknown"])
        if outcome == "unknown":
            effect += self.random.choice(
                [0.0, 1.0, 20.0, math.inf]
            )  # a server may act long after its client died
        unit = next(self.units) if self.random.random() < 0.7 or len(keys) > 1 else None
        value = (
            next(self.values) if self.random.random() < 0.9 else -1
        )  # now and then what was written before
        facts = {
            "process": process,
            "kind": kind,
            "began": began,
            "ended": ended,
            "outcome": outcome,
            "unit": unit,
        }
        return effect, [Operation(key=key, value=value if kind == "write" else (), **facts) for key in keys]

    @staticmethod
    def _run(planned):
        rows = {}
        seen = []
        for effect, operations in sorted(planned, key=lambda plan: plan[0]):
            for each in operations:
                if each.kind == "write":
                    seen.append(each)
                    if each.outcome != "fail" and effect < math.inf:
                        rows[each.key] = (each.value,)
                else:
                    seen.append(dataclasses.replace(each, value=rows.get(each.key, ())))
        return seen


def test_no_false_alarm():
    """Of a thousand histories of a sound store, with crashes and unknown outcomes, none has an anomaly."""
    found = {
        seed: anomalies for seed in range(CLEAN_HISTORIES) if (anomalies := check(SoundStore(seed).history()))
    }

    assert found == {}


def with_bug(kind, seed):
    """Return a sound random history after which one bug shows, while other clients go on with other keys."""
    history = SoundStore(seed).history()
    settled = max(each.ended for each in history) + 100.0
    noise = [
        dataclasses.replace(each, began=each.began + settled, ended=each.ended + settled, unit=None)
        for each in SoundStore(seed + 1).history()
        if each.key == "c" and each.kind == "write"
    ]
    first = [
        each
        for key, value in (("a", "1st"), ("b", "1st"))
        for each in pair({key: value}, settled, settled + 1, unit=None)
    ]
    second = pair(
        {"a": "2nd", "b": "2nd"}, settled + 2, settled + 3, "fail" if kind == "phantom" else "ok", "bug"
    )
    after = {
        "lost": {"a": ("1st",), "b": ("1st",)},
        "doubled": {"a": ("2nd", "2nd"), "b": ("2nd",)},
        "phantom": {"a": ("2nd",), "b": ("2nd",)},
        "torn": {"a": ("2nd",), "b": ("1st",)},
        "stale": {"a": ("1st",), "b": ("1st",)},
    }[kind]
    bug = snapshot(after, settled + 4, settled + 5, "look")
    if kind == "stale":
        bug += snapshot({"a": ("2nd",), "b": ("2nd",)}, settled + 6, settled + 7, "look again")
    whole = [*history, *noise, *first, *second, *bug]
    random.Random(seed).shuffle(whole)
    return whole


@pytest.mark.parametrize("kind", ["lost", "doubled", "phantom", "torn", "stale"])
def test_planted_bugs_are_found(kind):
    """Each bug, planted after any of a hundred histories, is found by its name."""
    missed = [seed for seed in range(100) if kind not in kinds(*with_bug(kind, seed))]

    assert missed == []


def test_words_show_no_data():
    """An anomaly is told by the numbers of operations; keys and values may be a patient's."""
    found = check(
        [write("Jane", 0, 1, key="Doe"), read(("John",), 2, 3, key="Doe"), read((), 4, 5, key="Doe")]
    )

    assert [str(anomaly) for anomaly in found] == [
        "phantom: read 1 saw what nobody wrote",
        "lost: read 2 saw nothing, which what write 0 wrote had replaced before; so did the last read",
    ]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"kind": "delete"}, "kind is 'delete'"),
        ({"outcome": "maybe"}, "outcome is 'maybe'"),
        ({"ended": -1}, "before it began"),
        ({"kind": "read"}, "a read's value is a tuple"),
    ],
)
def test_nonsense_is_refused(facts, why):
    """An operation that means nothing is refused where it is made."""
    with pytest.raises(ValueError, match=why):
        dataclasses.replace(write(1, 0, 1), **facts)


def test_many_operations_are_quick_to_compare():
    """Each zone is compared with its neighbours alone: a history of many writes has no conflict with itself."""
    operations = []
    for n in range(3_000):
        operations += [write(n, 4 * n, 4 * n + 1), read((n,), 4 * n + 2, 4 * n + 3)]

    assert list(conflicts(Register.of(list(enumerate(operations))))) == []
