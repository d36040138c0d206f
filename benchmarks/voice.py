"""What does a redacted error record cost, and how many alerts does the router accept a second?

Run: `python benchmarks/voice.py [--rounds N]`. Peers log the same context and message; those that redact do it with
the same rules, applied one after another, as a processor that somebody writes in an afternoon would.
"""

import argparse
import json
import logging
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
import traceback
from itertools import count
from pathlib import Path

import loguru
import orjson
import structlog
from pythonjsonlogger.json import JsonFormatter

from pytest_resilience.runtime.alerting.alert import Alert
from pytest_resilience.runtime.alerting.outbox import Outbox
from pytest_resilience.runtime.alerting.router import AlertRouter
from pytest_resilience.runtime.error_log import StructuredErrorLogger
from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR, RULES
from pytest_resilience.runtime.redaction.keys import kind_of_key
from pytest_resilience.runtime.repeat_limit import RepeatLimit

RESULTS = Path(__file__).parent / "results" / "voice.json"
CALLS = 2_000
NUMBERS = count()
CONTEXT = {
    "operation": "ingest_icustays",
    "source_file": "data/icustays.csv",
    "target_table": "raw.icustays",
    "agent": "DataIngestionAgent",
    "attempt": 2,
}


def message():
    """Return a message that no cache has seen."""
    return f"could not insert batch {next(NUMBERS)} into raw.icustays: connection lost"


class Null:
    """A stream that keeps nothing."""

    def write(self, text):
        """Take it."""

    def flush(self):
        """Do nothing."""


class NoAlerts:
    """A router that sends nothing."""

    def route_alert(self, *arguments, **details):
        """Take it."""


def plain_redaction(text):
    """Apply every rule, as a simple processor does."""
    for rule in RULES:
        text = rule.apply(text)
    return text


def redacting_processor(_logger, _method, event):
    """Redact every value of a structlog event."""
    return {
        key: "[redacted]" if kind_of_key(key) else plain_redaction(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def our_processor(_logger, _method, event):
    """Redact a structlog event with our own choke point."""
    return DEFAULT_REDACTOR.mapping(event)


def stdlib_logger(name, formatter):
    """Return a standard library logger that writes to nowhere by this formatter."""
    logger = logging.getLogger(name)
    logger.propagate = False
    handler = logging.StreamHandler(Null())
    handler.setFormatter(formatter)
    logger.handlers[:] = [handler]
    return logger


def our_logger():
    """Return ours, on a standard library handler that writes to nowhere; nothing is held back."""
    ours = StructuredErrorLogger("bench.ours", router=NoAlerts(), limit=RepeatLimit(burst=10**9))
    stdlib_logger("bench.ours", logging.Formatter("%(message)s"))
    return ours


def structlog_logger(*processors):
    """Return a structlog logger that ends in orjson, as its documentation recommends for speed."""
    return structlog.wrap_logger(
        structlog.BytesLogger(Path(os.devnull).open("wb")),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *processors,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
    )


def loguru_logger():
    """Return loguru with its JSON output and the plain redaction as a patcher."""
    logger = loguru.logger
    logger.remove()
    logger.add(Null(), serialize=True)

    def patch(record):
        record["message"] = plain_redaction(record["message"])
        record["extra"] = redacting_processor(None, "", record["extra"])

    return logger.patch(patch)


def record_contenders():
    """Return, by name, functions that write one record without a traceback."""
    ours, plain = our_logger(), stdlib_logger("bench.stdlib", logging.Formatter("%(message)s"))
    slog, slog_redacting, slog_ours = (
        structlog_logger(*processors) for processors in ((), (redacting_processor,), (our_processor,))
    )
    json_logger, guru = stdlib_logger("bench.json", JsonFormatter()), loguru_logger()
    return {
        "ours, redacted": lambda: ours.log_error(ValueError(message()), CONTEXT, "MEDIUM"),
        "structlog+orjson, same rules in a loop": lambda: slog_redacting.error(message(), **CONTEXT),
        "structlog+orjson, our redactor": lambda: slog_ours.error(message(), **CONTEXT),
        "loguru, same rules in a loop": lambda: guru.bind(**CONTEXT).error(message()),
        "structlog+orjson, not redacting": lambda: slog.error(message(), **CONTEXT),
        "python-json-logger, not redacting": lambda: json_logger.error(message(), extra={"context": CONTEXT}),
        "stdlib, plain text, not redacting": lambda: plain.error(message()),
    }


def three_frames():
    """Raise through three frames, and return the error."""

    def inner():
        raise ValueError(message())

    def middle():
        inner()

    try:
        middle()
    except ValueError as error:
        return error


def trace_contenders():
    """Return, by name, functions that write one record with a traceback of three frames."""
    ours = our_logger()
    slog = structlog_logger(redacting_processor)
    error = three_frames()
    return {
        "ours, redacted": lambda: ours.log_error(error, CONTEXT, "MEDIUM"),
        "structlog+orjson, same rules in a loop": lambda: slog.error(message(), exc_info=error, **CONTEXT),
        "traceback.format_exception alone": lambda: "".join(traceback.format_exception(error)),
    }


def measure(contenders, rounds, calls=CALLS):
    """Return microseconds a call, the median of interleaved rounds."""
    times = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            start = time.perf_counter()
            for _ in range(calls):
                call()
            times[name].append((time.perf_counter() - start) / calls * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def accepted_per_second(folder, threads, each):
    """Return how many alerts a second so many threads get into an outbox, each on disk before it goes on."""
    outbox = Outbox(Path(folder, f"{next(NUMBERS)}.sqlite3"))
    alerts = [
        [
            Alert(
                uid=f"{thread}-{number}",
                severity="HIGH",
                component="api",
                message=f"request {number} failed",
                dedup_key="k",
                created=0.0,
            )
            for number in range(each)
        ]
        for thread in range(threads)
    ]
    workers = [
        threading.Thread(target=lambda mine: [outbox.add(alert, ["slack"]) for alert in mine], args=(mine,))
        for mine in alerts
    ]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - start
    outbox.close()
    return threads * each / seconds


def routed_per_second(folder, threads, each):
    """Return the same through the whole router: redaction, rules, outbox; the channel takes everything at once."""

    class Taker:
        name = "slack"

        def send(self, alert):
            """Take it."""

    router = AlertRouter(channels=[Taker()], outbox=Path(folder, f"{next(NUMBERS)}.sqlite3"))

    def work():
        for _ in range(each):
            router.route_alert("HIGH", "api", message())

    workers = [threading.Thread(target=work) for _ in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return threads * each / (time.perf_counter() - start)


def storm(folder, size, threads=16):
    """Route so many alerts at once; return alerts a second, megabytes that the process grew, and what was counted."""

    class Counter:
        name = "slack"
        counted = 0

        def send(self, alert):
            """Count what it stands for."""
            self.counted += alert.count

    channel = Counter()
    router = AlertRouter(channels=[channel], outbox=Path(folder, "storm.sqlite3"))
    router.route_alert("HIGH", "api", message())

    def work():
        for _ in range(size // threads):
            router.route_alert("HIGH", "api", message())

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    workers = [threading.Thread(target=work) for _ in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - start
    while not router.flush(30):
        pass
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    routed = size // threads * threads + 1
    return {"routed": routed, "counted": channel.counted, "per_second": routed / seconds, "grown_mb": grown}


def fsyncs_per_second(folder, times=300):
    """Return how often this disk can be asked to keep a page."""
    with Path(folder, "floor").open("wb") as file:
        start = time.perf_counter()
        for _ in range(times):
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        return times / (time.perf_counter() - start)


def show(title, table, unit, base):
    """Print one table, with each row as a multiple of the base."""
    print(f"\n{title}")
    for name, value in table.items():
        print(f"  {name:45} {value:12,.1f} {unit}   {value / table[base]:6.2f} x")


def main():
    """Measure everything, print it, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--storm", type=int, default=100_000, help="alerts at once")
    arguments = parser.parse_args()
    ours = "ours, redacted"
    records = measure(record_contenders(), arguments.rounds, arguments.calls)
    show("error record without a traceback", records, "us", ours)
    traces = measure(trace_contenders(), arguments.rounds, arguments.calls)
    show("error record with a traceback of three frames", traces, "us", ours)
    with tempfile.TemporaryDirectory() as folder:
        rounds = [
            {
                "one fsync each": fsyncs_per_second(folder),
                "outbox, 1 thread": accepted_per_second(folder, 1, arguments.calls),
                "outbox, 16 threads (group commit)": accepted_per_second(folder, 16, arguments.calls // 8),
                "router, 1 thread": routed_per_second(folder, 1, arguments.calls),
                "router, 16 threads (group commit)": routed_per_second(folder, 16, arguments.calls // 8),
            }
            for _ in range(arguments.rounds)
        ]
        storms = storm(folder, arguments.storm)
    alerts = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    show("alerts accepted durably", alerts, "/s", "one fsync each")
    print(
        f"\nstorm of {storms['routed']:,}: {storms['counted']:,} accounted for, {storms['per_second']:,.0f} /s,",
        end=" ",
    )
    print(f"memory grew {storms['grown_mb']:.1f} MB")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"records": records, "traces": traces, "alerts": alerts, "storm": storms}, indent=2),
        encoding="utf-8",
    )


if __name__ == "__main__":
    sys.exit(main())
