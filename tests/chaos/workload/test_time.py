"""In a Python workload time runs faster, and everything that reads or waits for it agrees."""

from __future__ import annotations

import json

import pytest

from pytest_resilience.chaos.workload.control import Tweaks

LONG = 60.0
SCALE = 10_000.0
WAITS = """
import asyncio, json, queue, select, selectors, signal, socket, subprocess, sys, threading, time
import concurrent.futures, multiprocessing
from time import sleep, monotonic
from datetime import datetime, timezone
from importlib import import_module
real = import_module("_resilience_inside.real_time").monotonic
LONG = 600.0
lock = threading.Lock(); lock.acquire()
rlock = threading.RLock()
holder = threading.Thread(target=lambda: (rlock.acquire(), held.set(), over.wait()))
held, over = threading.Event(), threading.Event()
holder.start(); held.wait()
condition = threading.Condition()
def waits_for(condition):
    with condition: return condition.wait_for(lambda: False, LONG)
def future():
    try: concurrent.futures.Future().result(LONG)
    except concurrent.futures.TimeoutError: pass
def get(queue):
    try: queue.get(timeout=LONG)
    except Exception: pass
async def limited():
    try: await asyncio.wait_for(asyncio.Event().wait(), LONG)
    except TimeoutError: pass
def alarmed():
    class Rang(Exception): pass
    def ring(*_): raise Rang
    signal.signal(signal.SIGALRM, ring); signal.alarm(int(LONG))
    try: threading.Event().wait()
    except Rang: pass
selector = selectors.DefaultSelector(); a, b = socket.socketpair(); selector.register(a, selectors.EVENT_READ)
poll = select.poll(); poll.register(a, select.POLLIN)
context = multiprocessing.get_context("spawn")
waits = {
    "sleep": lambda: sleep(LONG), "event": lambda: threading.Event().wait(LONG),
    "lock": lambda: lock.acquire(timeout=LONG), "rlock": lambda: rlock.acquire(timeout=LONG),
    "condition": lambda: waits_for(condition), "join": lambda: holder.join(LONG),
    "queue": lambda: get(queue.Queue()), "simple queue": lambda: get(queue.SimpleQueue()), "future": future,
    "select": lambda: select.select([a], [], [], LONG), "selector": lambda: selector.select(LONG),
    "poll": lambda: poll.poll(LONG * 1000), "asyncio sleep": lambda: asyncio.run(asyncio.sleep(LONG)),
    "asyncio timeout": lambda: asyncio.run(limited()), "alarm": alarmed,
    "process semaphore": lambda: context.Semaphore(0).acquire(timeout=LONG),
}
results = {}
for name, wait in waits.items():
    clocks = [time.time, time.monotonic, monotonic, time.perf_counter, lambda: time.time_ns() / 1e9,
              lambda: time.monotonic_ns() / 1e9, lambda: time.perf_counter_ns() / 1e9,
              lambda: datetime.now().timestamp(), lambda: datetime.now(timezone.utc).timestamp(),
              lambda: time.clock_gettime(time.CLOCK_MONOTONIC), lambda: time.clock_gettime(time.CLOCK_REALTIME)]
    began, at = real(), [clock() for clock in clocks]
    wait()
    spent = real() - began
    results[name] = [spent, *(clock() - one for clock, one in zip(clocks, at))]
over.set()
print(json.dumps(results))
"""


LOOPS = """
import asyncio, json, time
from importlib import import_module
real = import_module("_resilience_inside.real_time").monotonic
LONG = 600.0
async def limited():
    try: await asyncio.wait_for(asyncio.Event().wait(), LONG)
    except TimeoutError: pass
def spent(run):
    began, at = real(), time.monotonic()
    run()
    return real() - began, time.monotonic() - at
import uvloop
def by_policy():
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(limited())
def by_factory():
    loop = uvloop.new_event_loop()
    loop.run_until_complete(limited()); loop.close()
def installed():
    uvloop.install()
    asyncio.run(limited())
print(json.dumps([spent(one) for one in (by_policy, by_factory, installed, lambda: uvloop.run(limited()))]))
"""


def test_timers_of_uvloop_agree(make) -> None:
    """Its loops are asyncio's where time is scaled, however they are made."""
    work = make(program=LOOPS, tweaks=Tweaks(time_scale=SCALE))
    work.start()
    status = work.wait(LONG)

    assert (status, work.stderr) == (0, "")
    for spent, clock in json.loads(work.stdout):
        assert spent < LONG <= clock
    assert work.inside.escaped == []


def test_waits_and_clocks_agree(make) -> None:
    """Ten minutes of any wait pass in much less, and every clock says that at least ten minutes went by."""
    work = make(program=WAITS, tweaks=Tweaks(time_scale=SCALE))
    work.start()
    status = work.wait(LONG)

    assert (status, work.stderr) == (0, "")
    assert work.tweaked
    for name, (spent, *clocks) in json.loads(work.stdout).items():
        assert spent < 300, name
        assert min(clocks) >= 599, (name, clocks)
        assert max(clocks) < SCALE * (spent + 1), (name, clocks)


def test_sockets_time_out_in_the_machines_time(make) -> None:
    """A socket's own time-out is untouched."""
    program = """
import importlib, socket
real = importlib.import_module("_resilience_inside.real_time").monotonic
a, b = socket.socketpair(); a.settimeout(0.2); began = real()
try: a.recv(1)
except TimeoutError: print(real() - began >= 0.2)
"""
    work = make(program=program, tweaks=Tweaks(time_scale=SCALE))
    work.start()
    work.wait(LONG)

    assert work.stdout == "True\n"


def test_types_stay_what_they_are(make) -> None:
    """`datetime.now()` is a `datetime`, of a subclass where it is asked for, and can be pickled."""
    program = """
import datetime, pickle, time
class Own(datetime.datetime): pass
now = datetime.datetime.now()
print(type(now) is datetime.datetime, type(Own.now()) is Own, pickle.loads(pickle.dumps(now)) == now)
print(datetime.date.today() == now.date(), datetime.datetime.utcnow().tzinfo, time.localtime().tm_year == now.year)
class Keeps:
    clock = time.monotonic
    sleep = time.sleep
Keeps().sleep(0); print(Keeps().clock() > 0)
"""
    work = make(program=program, tweaks=Tweaks(time_scale=1.5))
    work.start()
    work.wait(LONG)

    assert work.output == "True True True\nTrue None True\nTrue\n"


def test_time_is_one_for_all_processes(make) -> None:
    """A child and a restart read the same clocks as the process before."""
    program = """
import subprocess, sys, time
if len(sys.argv) > 1: print(time.time()); raise SystemExit
one = time.time()
other = float(subprocess.run([sys.executable, __file__, "child"], capture_output=True, check=True).stdout)
print(one <= other <= time.time())
print(time.time())
"""
    work = make(program=program, tweaks=Tweaks(time_scale=500))
    work.start()
    work.wait(LONG)
    work.resume()
    work.wait(LONG)
    first, one, second, two = work.stdout.split()

    assert (first, second) == ("True", "True")
    assert float(one) < float(two)


def test_function_is_called_at_its_own_pace(make, tmp_path) -> None:
    """`every` is the workload's time; the records are in the machine's."""
    (tmp_path / "shop.py").write_text("def nothing(): pass\n")
    work = make(
        shape="function", function="shop:nothing", calls=3, every=600.0, tweaks=Tweaks(time_scale=10_000)
    )
    work.start()
    work.wait(LONG)

    assert [call.outcome for call in work.calls] == ["ok"] * 3
    assert all(0 <= call.began <= (call.ended or -1) < LONG for call in work.calls)


def test_wall_clock_jumps(make) -> None:
    """The wall clock moves when it is told to, the others do not, and the first look at it is the receipt."""
    program = """
import sys, time, datetime
offset = lambda: round((time.time() - time.monotonic()) / 100)
print(offset()); print("up", flush=True)
open(sys.argv[1]).read(); print(offset()); print(datetime.datetime.now().year)
"""
    import os

    work = make("fifo", program=program, tweaks=Tweaks(control=True))
    os.mkfifo(work.folder / "fifo")
    work.start()
    while "up" not in work.stdout:
        os.sched_yield()
    work.inside.clock_jump(-1000.0)
    assert work.inside.receipts == []
    (work.folder / "fifo").write_text("go")
    work.wait(LONG)
    before, _, after, _ = work.stdout.split()

    assert int(after) - int(before) == -10
    assert [receipt.kind for receipt in work.inside.receipts] == ["clock_jump"]


@pytest.mark.parametrize("scale", [0, -1, float("inf"), float("nan")])
def test_nonsense_is_refused(scale: float) -> None:
    """Time does not stand still, or go back."""
    with pytest.raises(ValueError, match="time_scale is"):
        Tweaks(time_scale=scale)
