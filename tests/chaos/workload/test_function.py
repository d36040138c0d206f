"""A function is called at a pace in one process, and each call is recorded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

LONG = 60.0
MODULE = """
import asyncio, json, os, sys, threading
class DomainError(Exception):
    def __init__(self, text, resource): super().__init__(text); self.resource = resource
class Lost(Exception): pgcode = "08006"
state = []
def fine(): state.append(os.getpid()); print(len(state), sys.argv[1:], sys.path[0] == os.getcwd(), flush=True)
def odd():
    state.append(1)
    if len(state) % 2:
        try:
            try: raise ConnectionRefusedError(111, "refused")
            except OSError as error: raise Lost("lost") from error
        except Lost as error: raise DomainError("warehouse: refused", "warehouse") from error
def bad(): raise ValueError("woe")
async def cooperative():
    state.append(asyncio.get_running_loop()); await asyncio.sleep(0); print(len(set(state)))
class Caller:
    async def __call__(self): print("called")
caller = Caller()
class Nested:
    @staticmethod
    def method(): print("nested")
def leaves(): sys.exit(0)
def leaves_badly(): sys.exit(3)
def hang(): print("in", flush=True); threading.Event().wait()
class Mute(Exception):
    def __str__(self): raise RuntimeError
def mute(): raise Mute
number = 5
def circle():
    a, b = ValueError("a"), ValueError("b"); a.__cause__ = b; b.__cause__ = a; raise a
"""


@pytest.fixture
def call(make, tmp_path: Path):
    """A maker of function workloads from the module above."""
    (tmp_path / "shop.py").write_text(MODULE)

    def function(name: str, **declared):
        work = make(shape="function", function=f"shop:{name}", **declared)
        work.start()
        return work

    return function


def test_calls_share_one_process(call) -> None:
    """All calls are made in one process, in which the folder is on the path and nothing of ours in the arguments."""
    work = call("fine", calls=3, every=0.001)

    assert work.wait(LONG) == 0
    assert work.stdout == "1 [] True\n2 [] True\n3 [] True\n"
    assert [(each.number, each.outcome) for each in work.calls] == [(1, "ok"), (2, "ok"), (3, "ok")]
    assert all(one.ended <= two.began for one, two in zip(work.calls, work.calls[1:], strict=False))


def test_exception_does_not_stop_what_follows(call) -> None:
    """Each call is made whatever the one before raised; the status is 1, and causes and their codes are kept."""
    work = call("odd", calls=4)

    assert work.wait(LONG) == 1
    assert [each.outcome for each in work.calls] == ["raised", "ok", "raised", "ok"]
    failed = work.calls[0]
    assert failed.error == ("shop.DomainError", "shop.Lost", "builtins.ConnectionRefusedError")
    assert failed.message == "warehouse: refused"
    assert failed.facts == {
        "sqlstate": "08006",
        "errno": 111,
        "causes": ["lost", "[Errno 111] refused"],
        "attributes": {"resource": "warehouse"},
    }
    assert work.stderr == ""


def test_single_call_leaves_its_traceback(call) -> None:
    """What leaves an only call is printed as Python prints it, without our own frames."""
    work = call("bad")

    assert work.wait(LONG) == 1
    assert work.stderr.startswith("Traceback (most recent call last):\n  File")
    assert work.stderr.endswith("ValueError: woe\n")
    assert "call.py" not in work.stderr


def test_async_calls_share_one_loop(call) -> None:
    """An async function is awaited, each time in the same event loop; an object's async call likewise."""
    work, other = call("cooperative", calls=3), call("caller", calls=2)

    assert (work.wait(LONG), other.wait(LONG)) == (0, 0)
    assert work.stdout == "1\n1\n1\n"
    assert other.stdout == "called\ncalled\n"


def test_dotted_name_is_followed(call) -> None:
    """A method of a class is a function too."""
    work = call("Nested.method")

    assert work.wait(LONG) == 0
    assert work.stdout == "nested\n"


def test_exit_is_an_outcome(call) -> None:
    """`sys.exit(0)` is a success, `sys.exit(3)` an exception that left the call."""
    fine, bad = call("leaves", calls=2), call("leaves_badly", calls=2)

    assert (fine.wait(LONG), bad.wait(LONG)) == (0, 1)
    assert [each.outcome for each in fine.calls] == ["ok", "ok"]
    assert [each.error for each in bad.calls] == [("builtins.SystemExit",)] * 2


def test_call_that_never_came_back_has_no_end(call) -> None:
    """A killed call is recorded with its begin."""
    work = call("hang", calls=2)
    while "in" not in work.stdout:
        os.sched_yield()
    work.kill()
    (only,) = work.calls

    assert (only.outcome, only.ended) == ("blocked", None)


def test_calls_are_numbered_over_restarts(call) -> None:
    """A second start's calls follow the first's."""
    work = call("fine", calls=2)
    work.wait(LONG)
    work.resume()
    work.wait(LONG)

    assert [each.number for each in work.calls] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "module 'shop' has no attribute 'missing'"),
        ("number", "shop:number is int, which cannot be called"),
    ],
)
def test_what_is_no_function_fails(call, name: str, why: str) -> None:
    """A name that is not there, or cannot be called, ends the driver with the reason."""
    work = call(name)

    assert work.wait(LONG) == 1
    assert why in work.stderr
    assert work.calls == []


def test_odd_exceptions_are_described(call) -> None:
    """An exception whose text cannot be had, and causes in a circle, are recorded all the same."""
    mute, circle = call("mute", calls=2), call("circle", calls=2)

    assert (mute.wait(LONG), circle.wait(LONG)) == (1, 1)
    assert mute.calls[0].message == "(its text cannot be had: RuntimeError)"
    assert circle.calls[0].error == ("builtins.ValueError", "builtins.ValueError")
