"""How fast are rows ingested, exactly once, against one COPY of the whole file and against what people write?

Run: `python benchmarks/ingest.py [--rows N] [--rounds N]`. The ways take turns; each ratio is the median
over the rounds of "one COPY's time / this way's time". `to_sql` gets a part of the rows, since it would take
minutes.
"""

import argparse
import contextlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import psycopg2
import sqlalchemy
from psycopg2.extras import execute_values

from pytest_resilience import ingest_data_with_checkpoint
from pytest_resilience.runtime.ingestion.csv_records import Position
from pytest_resilience.runtime.ingestion.csv_source import CsvSource
from pytest_resilience.services.postgres import start_postgres
from pytest_resilience.services.run_folder import RunFolder

RESULTS = Path(__file__).parent / "results" / "ingest.json"
BATCH = 10_000
COLUMNS = {
    "stay_id": "bigint",
    "subject_id": "bigint",
    "hadm_id": "bigint",
    "unit": "text",
    "intime": "timestamp",
    "outtime": "timestamp",
    "los": "numeric",
    "heart_rate": "int",
    "sbp": "int",
    "temperature": "float8",
    "lactate": "float8",
    "note": "text",
}
PLAIN = f"create table plain ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})"
CHECKED = """create table checked (
stay_id bigint not null, subject_id bigint not null, hadm_id bigint not null, unit text not null,
intime timestamp not null, outtime timestamp, los numeric check (los >= 0),
heart_rate int check (heart_rate between 0 and 300), sbp int check (sbp between 0 and 350),
temperature float8 check (temperature between 20 and 45), lactate float8 check (lactate >= 0), note text,
check (outtime >= intime))"""
TARGETS = {
    "ours, table without constraints": 0.88,
    "ours, every row checked": 0.65,
    "ours, two connections": 1.3,
}
MEMORY_PROBE = """
import sys
from pytest_resilience import ingest_data_with_checkpoint
ingest_data_with_checkpoint(sys.argv[1], "plain", dsn=sys.argv[2], start_over=True)
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
"""


def write_stays(path, rows):
    """Write a file of so many ICU stays, the same each time."""
    draw = random.Random(7)
    with path.open("w") as stream:
        stream.write(",".join(COLUMNS) + "\n")
        for number in range(rows):
            ids = f"{number},{draw.randrange(10**7)},{draw.randrange(10**7)}"
            times = f"2150-03-0{draw.randrange(1, 9)} 11:23:45,2150-04-01 08:00:00,{draw.uniform(0, 20):.3f}"
            pulse, pressure = draw.randrange(40, 160), draw.randrange(80, 200)
            vitals = f"{pulse},{pressure},{draw.uniform(35, 40):.1f},{draw.uniform(0, 4):.2f}"
            stream.write(f"{ids},MICU,{times},{vitals},stable after fluids\n")
    return path


def one_copy(path, dsn):
    """Send the whole file in one statement: the limit."""
    with contextlib.closing(psycopg2.connect(dsn)) as connection:
        with connection.cursor() as cursor, path.open("rb") as stream:
            cursor.copy_expert("copy plain from stdin with (format csv, header)", stream, 1 << 18)
        connection.commit()


def policys_own(path, dsn):
    """Read with pandas, insert with execute_values, commit, dump a JSON file: the policy's plain code."""
    checkpoint = path.with_suffix(".json")
    with contextlib.closing(psycopg2.connect(dsn)) as connection:
        for number, frame in enumerate(pd.read_csv(path, chunksize=BATCH)):
            with connection.cursor() as cursor:
                execute_values(
                    cursor, "insert into plain values %s", frame.to_numpy().tolist(), page_size=1000
                )
            connection.commit()
            checkpoint.write_text(json.dumps({"last_row": (number + 1) * BATCH}))
    checkpoint.unlink()


def to_sql(path, dsn):
    """Read with pandas and append with `to_sql`."""
    engine = sqlalchemy.create_engine(dsn.replace("://", "+psycopg2://"), poolclass=sqlalchemy.NullPool)
    for frame in pd.read_csv(path, chunksize=BATCH):
        frame.to_sql("plain", engine, if_exists="append", index=False)


def ours(table):
    """Return our way into one of the tables."""

    def run(path, dsn):
        result = ingest_data_with_checkpoint(path, table, dsn=dsn, batch_size=BATCH, start_over=True)
        assert result.rejected == 0

    return run


def two_connections(path, dsn):
    """Ingest in two ranges, in threads."""
    with ThreadPoolExecutor(2) as executor:
        result = ingest_data_with_checkpoint(
            path, "plain", dsn=dsn, batch_size=BATCH, start_over=True, executor=executor, partitions=2
        )
    assert result.rejected == 0


WAYS = {
    "one COPY of the whole file": one_copy,
    "ours, table without constraints": ours("plain"),
    "ours, every row checked": ours("checked"),
    "ours, two connections": two_connections,
    "policy's code (pandas, execute_values)": policys_own,
    "pandas to_sql": to_sql,
}


def seconds_for(way, path, server):
    """Return the seconds that a way takes into empty tables."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("truncate plain, checked")
        cursor.execute("checkpoint")
    began = time.perf_counter()
    way(path, server.dsn())
    return time.perf_counter() - began


def throughput(path, sample, rows, rounds, server):
    """Return rows a second and the part of the limit, by way."""
    speeds = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            few = name == "pandas to_sql"
            seconds = seconds_for(way, sample if few else path, server)
            speeds[name].append((rows // 20 if few else rows) / seconds)
    limit = speeds["one COPY of the whole file"]
    return {
        name: {
            "rows_per_second": statistics.median(values),
            "of_one_copy": statistics.median(one / most for one, most in zip(values, limit, strict=True)),
        }
        for name, values in speeds.items()
    }


def first_batch(path, rows, rounds):
    """Return milliseconds to the first batch after a resume at several rows, and pandas' own at the last."""
    source = CsvSource(path)
    places, at = {0: source.header().end}, 0
    for batch, _ in source.batches(places[0], BATCH, 0):
        at += batch.ends
        if at in {rows // 10, rows * 9 // 10}:
            places[at] = batch.end()
    results = {}
    for row, place in places.items():
        times = []
        for _ in range(rounds * 5):
            began = time.perf_counter()
            batches = CsvSource(path).batches(Position(place.offset, place.line), BATCH, 0)
            next(batches)
            times.append((time.perf_counter() - began) * 1000)
            batches.close()
        results[f"ours, at row {row}"] = statistics.median(times)
    began = time.perf_counter()
    next(iter(pd.read_csv(path, skiprows=range(1, rows * 9 // 10), chunksize=BATCH)))
    results[f"pandas skiprows, at row {rows * 9 // 10}"] = (time.perf_counter() - began) * 1000
    return results


def memory(path, sample, server):
    """Return the peak memory of a process that ingests, for a few rows and for 20 times as many, in MB."""
    peaks = {}
    for name, file in (("a twentieth of the rows", sample), ("all rows", path)):
        command = [sys.executable, "-c", MEMORY_PROBE, str(file), server.dsn()]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks[name] = int(done.stdout) / 1024
    return peaks


def main(rows, rounds):
    """Measure, print the tables, keep the numbers."""
    run = RunFolder.make()
    child, server = start_postgres(run)
    with contextlib.ExitStack() as stack:
        stack.callback(run.end)
        stack.callback(child.stop)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path, sample = write_stays(folder / "stays.csv", rows), write_stays(folder / "sample.csv", rows // 20)
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"{PLAIN}; {CHECKED}")
        results = {
            "rows": rows,
            "throughput": throughput(path, sample, rows, rounds, server),
            "first_batch_ms": first_batch(path, rows, rounds),
            "peak_memory_mb": memory(path, sample, server),
        }
    for name, numbers in results["throughput"].items():
        target = f"  target >= {TARGETS[name]}" if name in TARGETS else ""
        print(
            f"{name:40} {numbers['rows_per_second']:10,.0f} rows/s  {numbers['of_one_copy']:5.2f} x COPY{target}"
        )
    for name, milliseconds in results["first_batch_ms"].items():
        print(f"first batch, {name:32} {milliseconds:8.2f} ms" + "  target <= 3" * name.startswith("ours"))
    for name, megabytes in results["peak_memory_mb"].items():
        print(f"peak memory, {name:32} {megabytes:8.1f} MB")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    main(arguments.rows, arguments.rounds)
