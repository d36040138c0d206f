"""How many fault points a second are tried, is the cost linear, and how many runs find a planted bug of two faults?

Run: `python benchmarks/explore.py [--rounds N] [--seeds N]`. Points are those of a small ingestion of 30 rows, one
fault each, on both cores; the floor is the same job run alone, without proxy, database of its own or judgement.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.explore.choice import all_probes
from pytest_resilience.chaos.explore.exploration import explore
from pytest_resilience.chaos.explore.schedules.search import search
from pytest_resilience.chaos.explore.schedules.stroke import words
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder

RESULTS = Path(__file__).parent / "results" / "explore.json"
CORES = 2
PER_SECOND = 8
MOST_RUNS = 200
MOST_FAULTS = 2
ROWS = 30
INGEST = """
import os, sys, psycopg2
connection = psycopg2.connect(os.environ["DATABASE_URL"])
cursor = connection.cursor()
cursor.execute("select done from progress")
done = cursor.fetchone()[0]
connection.commit()
for first in range(done, int(sys.argv[1]), 10):
    for number in range(first, first + 10):
        cursor.execute("insert into stays values (%s, 'MICU')", (number,))
    cursor.execute("update progress set done = %s", (first + 10,))
    connection.commit()
"""
TWO_FAULTS = """
import os, sys, psycopg2

def connect():
    return psycopg2.connect(os.environ["DATABASE_URL"])

def is_there(batch):
    try:
        connection = connect()
        cursor = connection.cursor()
        cursor.execute("select count(*) from batches where batch = %s", (batch,))
        return cursor.fetchone()[0] > 0
    except psycopg2.Error:
        return False  # the planted bug: an unanswered question is no answer

def again(action):
    for _ in range(6):
        try:
            return action()
        except psycopg2.Error:
            pass
    sys.exit("gave up")

connection = again(connect)
for batch in range(3):
    for _ in range(6):
        try:
            connection.cursor().execute("insert into batches values (%s)", (batch,))
            connection.commit()
            break
        except psycopg2.Error:
            connection.close()
            done = is_there(batch)
            connection = again(connect)
            if done:
                break
    else:
        sys.exit("gave up")
"""
SCHEMA = """
create table stays (id int, unit text); create table batches (batch int);
create table progress (done int); insert into progress values (0);
"""
TOML = f"""
[services.warehouse]
kind = "postgres"
env = {{ DATABASE_URL = "{{dsn}}" }}
init = ["schema.sql"]
[workloads.ingest]
command = ["{{python}}", "ingest.py", "{ROWS}"]
uses = ["warehouse"]
resume = "rerun"
start = "prepared"
deadline = 2
[workloads.twice]
command = ["{{python}}", "twice.py"]
uses = ["warehouse"]
start = "prepared"
deadline = 20
"""


def make_app(folder):
    """Write both applications."""
    files = {"ingest.py": INGEST, "twice.py": TWO_FAULTS, "schema.sql": SCHEMA, "resilience.toml": TOML}
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def alone(folder, dsn):
    """Return the seconds that the job takes by itself."""
    with psycopg2.connect(dsn) as connection:
        connection.cursor().execute("truncate stays; update progress set done = 0")
    connection.close()
    start = time.perf_counter()
    command = [sys.executable, "ingest.py", str(ROWS)]
    subprocess.run(command, cwd=folder, env=os.environ | {"DATABASE_URL": dsn}, check=True)
    return time.perf_counter() - start


def points_per_second(laboratory, probes):
    """Return how many probes a second are tried, by as many threads as there are cores."""
    start = time.perf_counter()
    with ThreadPoolExecutor(CORES) as threads:
        list(threads.map(lambda probe: explore(laboratory, "ingest", [probe.order], title=probe.id), probes))
    return len(probes) / (time.perf_counter() - start)


def measure_points(laboratory, rounds):
    """Return points a second for few points and for many, interleaved."""
    points = laboratory.clean("ingest").recording.points
    probes = [probe for probe in all_probes(points) if probe.name != "hang"]
    print(f"{len(points)} fault points, {len(probes)} faults at them without silence")
    few, many = [], []
    for number in range(rounds):
        few.append(points_per_second(laboratory, probes[number::32][:8]))
        many.append(points_per_second(laboratory, probes[number::8][:32]))
        print(f"round {number + 1}: {few[-1]:.1f} a second of 8, {many[-1]:.1f} of 32")
    return {"of 8": statistics.median(few), "of 32": statistics.median(many)}


def measure_search(laboratory, seeds):
    """Return what each seed's search took."""
    found = []
    for seed in range(1, seeds + 1):
        start = time.perf_counter()
        result = search(laboratory, "twice", MOST_RUNS, seed=seed)
        faults = None if result.found is None else len(result.found.schedule)
        seconds = time.perf_counter() - start
        found.append({"seed": seed, "runs": result.tried, "shrinking": result.shrinking, "faults": faults})
        what = "nothing" if result.found is None else words(result.found.schedule)
        print(f"seed {seed}: {result.tried} runs + {result.shrinking} to shrink, {seconds:.0f} s: {what}")
    return found


def main():
    """Measure everything, print it, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    run = RunFolder.make()
    pool = ServicePool(run, seed=1)
    with tempfile.TemporaryDirectory() as name:
        laboratory = Laboratory(read_configuration(make_app(Path(name))), pool, run, seed=1)
        try:
            plan = laboratory.plan("ingest")
            with laboratory.trial(plan, "floor") as trial:
                floor = statistics.median(
                    alone(name, trial.look.dsn("warehouse")) for _ in range(arguments.rounds)
                )
            speed = measure_points(laboratory, arguments.rounds)
            searches = measure_search(laboratory, arguments.seeds)
        finally:
            laboratory.close()
            pool.stop()
    print(f"\nthe job alone: {floor:.2f} s, so at most {CORES / floor:.1f} a second on {CORES} cores")
    for size, rate in speed.items():
        print(f"fault points, {size}: {rate:.1f} a second (target {PER_SECOND})")
    print(f"many points against few: {speed['of 32'] / speed['of 8']:.2f} x (linear: about 1)")
    runs = max(each["runs"] for each in searches)
    faults = {each["faults"] for each in searches}
    print(
        f"planted bug: found in at most {runs} runs (target {MOST_RUNS}), shrunk to {faults} (target {MOST_FAULTS})"
    )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"alone_seconds": floor, "points_per_second": speed, "searches": searches}, indent=2),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
