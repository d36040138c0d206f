"""What does a durable checkpoint cost, against the least that could do it, in files and in PostgreSQL?

Run: `python benchmarks/checkpoints.py [--rounds N] [--saves N]`. All ways take turns; each ratio is the
median over the rounds of "this way / its limit" in the same round. Where the system can, client and server share
one processor: whether a woken server is on the same one or on another changes its answer threefold, by chance.
"""

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import psycopg2

from pytest_resilience import CheckpointManager, PostgresCheckpointStore
from pytest_resilience.services.postgres import start_postgres
from pytest_resilience.services.run_folder import RunFolder

RESULTS = Path(__file__).parent / "results" / "checkpoints.json"
STATE = {
    "source_file": "/data/icustays.csv",
    "target_table": "raw.icustays",
    "last_row": 900_000,
    "timestamp": "2150-03-04T05:06:07+00:00",
}
UPSERT = """insert into plain values ('ingest', %s) on conflict (operation_id) do update set state = excluded.state"""


def file_limit(folder):
    """Write a file, flush it, rename it, flush the folder: the least that survives a crash."""
    path, temporary = folder / "limit.json", folder / "limit.tmp"
    directory = os.open(folder, os.O_RDONLY)

    def save():
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(descriptor, json.dumps(STATE).encode())
        os.fsync(descriptor)
        os.close(descriptor)
        os.replace(temporary, path)  # noqa: PTH105 - the least there is
        os.fsync(directory)

    return save


def policys_own(folder):
    """Dump JSON into the file: what the policy's plain code does, and a crash tears."""

    def save():
        with (folder / "plain.json").open("w") as stream:
            json.dump(STATE, stream)

    return save


def postgres_limit(connection):
    """Write one row and commit."""
    with connection.cursor() as cursor:
        cursor.execute("create table plain (operation_id text primary key, state text)")
    connection.commit()

    def save():
        with connection.cursor() as cursor:
            cursor.execute(UPSERT, (json.dumps(STATE),))
        connection.commit()

    return save


def seconds_for(save, saves):
    """Return the seconds of one save."""
    began = time.perf_counter()
    for _ in range(saves):
        save()
    return (time.perf_counter() - began) / saves


def main(rounds, saves):
    """Measure, print the table, keep the numbers."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    run = RunFolder.make()
    child, server = start_postgres(run)
    with contextlib.ExitStack() as stack:
        stack.callback(run.end)
        stack.callback(child.stop)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        first, second = (
            stack.enter_context(contextlib.closing(psycopg2.connect(server.dsn()))) for _ in range(2)
        )
        manager, store = CheckpointManager(folder / "ours"), PostgresCheckpointStore(second)
        ways = {
            "file: limit (durable)": file_limit(folder),
            "file: policy's code (not durable)": policys_own(folder),
            "file: CheckpointManager": lambda: manager.save_checkpoint("ingest", STATE),
            "PostgreSQL: limit": postgres_limit(first),
            "PostgreSQL: PostgresCheckpointStore": lambda: store.save_checkpoint("ingest", STATE),
        }
        times = {name: [] for name in ways}
        for _ in range(rounds):
            for name, save in ways.items():
                times[name].append(seconds_for(save, saves))
    report(times, {"file": 1.3, "PostgreSQL": 1.2})


def report(times, targets):
    """Print each way's time, and its ratio to the limit of its kind."""
    results = {}
    for name, measured in times.items():
        kind = name.partition(":")[0]
        limits = next(values for other, values in times.items() if other.startswith(f"{kind}: limit"))
        ratio = statistics.median(one / limit for one, limit in zip(measured, limits, strict=True))
        results[name] = {"ms": statistics.median(measured) * 1000, "of_limit": ratio}
        target = f"  target <= {targets[kind]}" if name.endswith(("Manager", "Store")) else ""
        print(f"{name:38} {results[name]['ms']:8.3f} ms  {ratio:5.2f} x limit{target}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--saves", type=int, default=200)
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.saves)
