"""What do retry, breaker and deadline add to a call? Against peers, interleaved, in one run.

    python benchmarks/calls.py [ROUNDS]

Each round times every contender once; the median over the rounds counts, less that of the bare call. Targets are
ratios to the floor, which is the least code that could do the job. The absolute ones were set where a function in a
try/except takes 66 ns, and are scaled by what it takes here, in the same rounds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import subprocess
import sys
import threading
import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hyx.circuitbreaker
import hyx.retry
import pyresilience
from peers.breakers import breakers, refusals
from peers.floors import async_job, caught, counted, flaky, guarded, guarded_async, job, looped, refusing
from peers.retries import retries, retries_at_once

from pytest_resilience import CircuitBreaker, Retry, retry_with_exponential_backoff

OURS = "pytest-resilience"
FLOOR = "floor"
REFERENCE_FLOOR = 66e-9
SAMPLE = 0.02
RESULTS = Path(__file__).parent / "results" / "calls.json"


@dataclass
class Question:
    """One row of the targets: who answers, and what is asked of us.

    Args:
        title: what is measured.
        contenders: functions to call, by name; each does the job once.
        bare: the job without any of it.
        times_floor: we take at most so many times the floor.
        at_most: we take at most so many seconds, where the floor of the retry is 66 ns.
        ahead_of_peers: every peer takes at least so many times ours.
        is_async: the contenders are coroutine functions.
    """

    title: str
    contenders: dict[str, Callable[[], Any]]
    bare: Callable[[], Any]
    times_floor: float | None = None
    at_most: float | None = None
    ahead_of_peers: float = 1.0
    is_async: bool = False
    samples: dict[str, list[float]] = field(default_factory=dict)


def questions():
    """The rows, in the order of the targets."""
    composed = Retry().bind(CircuitBreaker().bind(job))
    both = pyresilience.resilient(
        retry=pyresilience.RetryConfig(), circuit_breaker=pyresilience.CircuitBreakerConfig()
    )(job)
    consecutive = hyx.circuitbreaker.consecutive_breaker
    return [
        Question(
            "retry, sync, success at once",
            {FLOOR: guarded(job), **retries(job)},
            job,
            times_floor=2.5,
            ahead_of_peers=5,
        ),
        Question("retry, the policy's function", {FLOOR: guarded(job), OURS: literal}, job),
        Question(
            "retry, async, success at once",
            {
                FLOOR: guarded_async(async_job),
                **retries(async_job),
                "hyx": hyx.retry.retry(attempts=4)(async_job),
            },
            async_job,
            times_floor=2.5,
            is_async=True,
        ),
        Question(
            "retry, one failed attempt, no delay",
            {FLOOR: looped(flaky()), **retries_at_once()},
            job,
            at_most=5e-6,
        ),
        Question(
            "breaker closed, sync",
            {FLOOR: counted(job), "floor with a lock": counted(job, threading.Lock()), **breakers(job)},
            job,
            times_floor=2.5,
        ),
        Question(
            "breaker closed, async",
            {
                FLOOR: guarded_async(async_job),
                OURS: CircuitBreaker()(async_job),
                "hyx": consecutive()(async_job),
            },
            async_job,
            times_floor=2.5,
            is_async=True,
        ),
        Question(
            "breaker open, refused",
            {FLOOR: caught(refusing(), ConnectionRefusedError), **refusals()},
            nothing,
            times_floor=4,
        ),
        Question(
            "retry and breaker",
            {FLOOR: guarded(guarded(job)), OURS: composed, "pyresilience": both},
            job,
            at_most=300e-9,
        ),
        Question(
            "retry with a deadline", {FLOOR: guarded(job), OURS: Retry(deadline=60)(job)}, job, at_most=600e-9
        ),
    ]


def literal():
    return retry_with_exponential_backoff(job)


def nothing():
    return None


def measure(question, rounds):
    """Time every contender once a round; return the medians, and how much slower this machine is than the targets'."""
    contenders = {"bare": question.bare, **question.contenders}
    numbers = {name: calibrated(call, question.is_async) for name, call in contenders.items()}
    reference, references = guarded(job), []
    for _ in range(rounds):
        references.append(timed(reference, 50_000, False) / 50_000)
        for name, call in contenders.items():
            seconds = timed(call, numbers[name], question.is_async) / numbers[name]
            question.samples.setdefault(name, []).append(seconds)
    bare = statistics.median(question.samples.pop("bare"))
    medians = {name: statistics.median(samples) - bare for name, samples in question.samples.items()}
    return medians, max(1.0, statistics.median(references) / REFERENCE_FLOOR)


def calibrated(call, is_async):
    """Return how many calls take about `SAMPLE` seconds."""
    timed(call, 100, is_async)
    return max(100, int(SAMPLE / (timed(call, 200, is_async) / 200)))


def timed(call, number, is_async):
    if not is_async:
        return timeit.timeit(call, number=number)

    async def run():
        began = time.perf_counter()
        for _ in range(number):
            await call()
        return time.perf_counter() - began

    return asyncio.run(run())


def judge(question, medians, scale):
    """Return our targets for this row and whether they are met."""
    ours, floor = medians[OURS], medians[FLOOR]
    verdicts = {}
    if question.times_floor is not None:
        verdicts[f"<= {question.times_floor:g} x floor"] = ours <= question.times_floor * floor
    if question.at_most is not None:
        verdicts[f"<= {question.at_most * scale * 1e9:.0f} ns here"] = ours <= question.at_most * scale
    peers = [seconds for name, seconds in medians.items() if name != OURS and not name.startswith(FLOOR)]
    if peers:
        verdicts[f">= {question.ahead_of_peers:g} x quicker than every peer"] = (
            min(peers) >= question.ahead_of_peers * ours
        )
    return verdicts


def show(question, medians, verdicts):
    print(f"\n{question.title}")
    for name, seconds in sorted(medians.items(), key=lambda item: item[1]):
        print(f"  {name:<20} {seconds * 1e9:>10,.0f} ns   {seconds / medians[FLOOR]:>7.1f} x floor")
    for text, met in verdicts.items():
        print(f"  {'met   ' if met else 'MISSED'} {text}")


def threads_against_one(rounds):
    """Return, for each breaker, the time of one thread over that of eight for the same number of calls."""
    calls = {FLOOR: counted(job), **breakers(job)}
    calls.pop("aiobreaker")  # not made for threads
    ratios = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            ratios[name].append(in_threads(call, 1, 80_000) / in_threads(call, 8, 10_000))
    return {name: statistics.median(values) for name, values in ratios.items()}


def in_threads(call, count, number):
    start = threading.Barrier(count + 1)

    def work():
        start.wait()
        for _ in range(number):
            call()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def imports(rounds):
    """Return the seconds that importing each package adds to an empty Python."""
    programs = {
        "empty": "",
        OURS: "import pytest_resilience",
        f"{OURS}, retry and breaker used": "from pytest_resilience import Retry, CircuitBreaker",
        "pybreaker": "import pybreaker",
        "circuitbreaker": "import circuitbreaker",
        "tenacity": "import tenacity",
        "stamina": "import stamina",
        "backoff": "import backoff",
        "pyresilience": "import pyresilience",
        "asyncio alone": "import asyncio",
    }
    samples = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-I", "-c", program], check=True)
            samples[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in samples.items()}
    empty = medians.pop("empty")
    return {name: seconds - empty for name, seconds in medians.items()}


def main(rounds):
    logging.disable()  # a peer that logs nothing is not to win by that
    results, missed = {}, 0
    for question in questions():
        medians, scale = measure(question, rounds)
        verdicts = judge(question, medians, scale)
        missed += list(verdicts.values()).count(False)
        show(question, medians, verdicts)
        results[question.title] = {"seconds": medians, "targets": verdicts}
    ratios = threads_against_one(rounds)
    print("\neight threads against one, closed breaker (time of one / time of eight)")
    for name, ratio in sorted(ratios.items(), key=lambda item: -item[1]):
        print(f"  {name:<20} {ratio:>6.2f}")
    added = imports(rounds)
    print("\nimport, over an empty Python")
    for name, seconds in sorted(added.items(), key=lambda item: item[1]):
        print(f"  {name:<45} {seconds * 1000:>6.1f} ms")
    results["threads"], results["imports"] = ratios, added
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\n{missed} targets missed; written to {RESULTS}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
