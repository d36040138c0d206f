"""What happens when a breaker lets trial calls through, and many callers come at once? Counted, not timed.

    python benchmarks/half_open_storm.py [CALLERS]

Every library gets the same four questions:

    trials      of so many simultaneous callers, how many reach the dependency when it is half-open? (1 is right)
    stale       does a slow call that began before the outage close the open breaker when it ends well? (no)
    together    of eight calls through a closed breaker, how many run side by side? (8)
    hung        after a trial call hangs, is another one let through a while later? (yes)
"""

import asyncio
import contextlib
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import aiobreaker
import circuitbreaker
import hyx.circuitbreaker
import purgatory
import pybreaker
import pyresilience

from pytest_resilience import CircuitBreaker

RESET = 0.1
PATIENCE = 2.0
RESULTS = Path(__file__).parent / "results" / "half_open_storm.json"


def ours():
    return CircuitBreaker(1, RESET, trial_lease=RESET, listeners=()).call


def by_circuitbreaker():
    return circuitbreaker.CircuitBreaker(
        failure_threshold=1, recovery_timeout=RESET, name=str(time.perf_counter())
    )


def by_pybreaker():
    return pybreaker.CircuitBreaker(fail_max=1, reset_timeout=RESET).call


def by_aiobreaker():
    return aiobreaker.CircuitBreaker(fail_max=1, timeout_duration=timedelta(seconds=RESET)).call


def by_purgatory():
    breaker = purgatory.SyncCircuitBreakerFactory(default_threshold=1, default_ttl=RESET).get_breaker("storm")

    def call(func):
        with breaker:
            return func()

    return call


def by_pyresilience():
    config = pyresilience.CircuitBreakerConfig(
        failure_threshold=1, recovery_timeout=RESET, success_threshold=1
    )
    return pyresilience.resilient(circuit_breaker=config)(lambda func: func())


def by_hyx():
    """Tasks in a loop of its own, since this one is made for asyncio alone."""
    breaker = hyx.circuitbreaker.consecutive_breaker(
        failure_threshold=1, recovery_time_secs=RESET, recovery_threshold=1
    )
    loop, pool = asyncio.new_event_loop(), ThreadPoolExecutor(1000)
    threading.Thread(target=loop.run_forever, daemon=True).start()

    @breaker
    async def in_task(func):
        return await loop.run_in_executor(pool, func)

    return lambda func: asyncio.run_coroutine_threadsafe(in_task(func), loop).result(PATIENCE * 2)


def decorated(breaker):
    """Return a call through a breaker that is made to decorate."""
    return breaker.decorate(lambda func: func())


LIBRARIES = {
    "pytest-resilience": ours,
    "circuitbreaker": lambda: decorated(by_circuitbreaker()),
    "pybreaker": by_pybreaker,
    "aiobreaker": by_aiobreaker,
    "purgatory": by_purgatory,
    "pyresilience": by_pyresilience,
    "hyx": by_hyx,
}


def trip(call):
    """Let a call fail, which opens the breaker."""
    with contextlib.suppress(Exception):
        call(lambda: 1 / 0)


def attempt(call, func):
    """Call, and let a refusal be."""
    with contextlib.suppress(Exception):
        call(func)


def in_threads(call, func, count):
    """Call from so many threads at once; return them."""
    start = threading.Barrier(count)

    def caller():
        start.wait()
        attempt(call, func)

    threads = [threading.Thread(target=caller, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def trials(make, callers):
    """Return how many callers reach the dependency while the first trial is still running."""
    call, reached, over = make(), [], threading.Event()
    trip(call)
    time.sleep(RESET * 1.5)

    def trial():
        reached.append(1)
        over.wait(PATIENCE)

    threads = in_threads(call, trial, callers)
    time.sleep(PATIENCE / 2)
    count = len(reached)
    over.set()
    for thread in threads:
        thread.join(PATIENCE * 2)
    return count


def stale(make):
    """Return whether the breaker lets calls through at once after a stale success."""
    call, began, may_end, reached = make(), threading.Event(), threading.Event(), []

    def slow():
        began.set()
        may_end.wait(PATIENCE)

    (thread,) = in_threads(call, slow, 1)
    began.wait(PATIENCE)
    trip(call)
    may_end.set()
    thread.join(PATIENCE * 2)
    attempt(call, lambda: reached.append(1))
    return bool(reached)


def together(make):
    """Return how many of eight calls are inside the dependency at the same time."""
    call, inside, most, lock = make(), 0, 0, threading.Lock()

    def work():
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.05)
        with lock:
            inside -= 1

    for thread in in_threads(call, work, 8):
        thread.join(PATIENCE * 2)
    return most


def hung(make):
    """Return whether another trial is let through after one that hangs."""
    call, over, reached = make(), threading.Event(), []
    trip(call)
    time.sleep(RESET * 1.5)
    (thread,) = in_threads(call, lambda: over.wait(PATIENCE * 2), 1)
    time.sleep(RESET * 3)
    (second,) = in_threads(call, lambda: reached.append(1), 1)
    second.join(PATIENCE / 2)
    answer = bool(reached)
    over.set()
    thread.join(PATIENCE * 2)
    return answer


def main(callers):
    print(f"{'':<20} {'trials':>8} {'stale':>8} {'together':>9} {'hung':>8}     ({callers} callers)")
    results = {}
    for name, make in LIBRARIES.items():
        row = {
            "trials": trials(make, callers),
            "stale success closes": stale(make),
            "side by side": together(make),
            "goes on after a hung trial": hung(make),
        }
        results[name] = row
        closes, goes_on = (
            "yes" if row[key] else "no" for key in ("stale success closes", "goes on after a hung trial")
        )
        print(f"{name:<20} {row['trials']:>8} {closes:>8} {row['side by side']:>9} {goes_on:>8}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
