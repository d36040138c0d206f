"""A job whose threads commit in any order is judged by its end, and by what is promised to hold at every moment."""

from __future__ import annotations

import pytest
from small_jobs import Job, said

from pytest_resilience.chaos.explore.at_once import callers_at_once, writers_at_once
from pytest_resilience.checklist.experiments.backoff import growing_waits

LOAD = """
    import os, sys, threading, psycopg2

    MODE = sys.argv[1]
    UNITS = range(3)
    together = threading.Barrier(len(UNITS))
    failed = []

    def load(unit):
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        cursor = connection.cursor()
        together.wait()
        cursor.execute("select 1 from units where unit = %s", (unit,))
        if cursor.fetchone():
            return
        for n in range(3):
            cursor.execute("insert into loaded values (%s, %s)", (unit, n))
        if MODE == "halves":
            connection.commit()
        cursor.execute("insert into units values (%s)", (unit,))
        connection.commit()

    def tried(unit):
        try:
            load(unit)
        except (psycopg2.Error, threading.BrokenBarrierError) as error:
            together.abort()
            failed.append(error)

    threads = [threading.Thread(target=tried, args=(unit,)) for unit in UNITS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(bool(failed))
"""
SCHEMA = "create table loaded (unit int, n int); create table units (unit int);"
RERUN = 'resume = "rerun"'


@pytest.fixture
def job(pool, tmp_path):
    """Make a job that loads three units side by side."""
    return lambda mode, more=RERUN: Job(pool, tmp_path, LOAD, mode=mode, more=more, schema=SCHEMA)


@pytest.mark.parametrize(
    "probe",
    ["INSERT-4-request-cut", "INSERT-8-reply-kill", "COMMIT-2-request-kill", "COMMIT-1-reply-lost-reply"],
)
def test_units_in_any_order_pass(job, probe) -> None:
    """Which of them were there when the job was cut is as in no run before."""
    with job("whole") as whole:
        result = whole.probe(probe).run()

    assert said(result) == ("passed", {("transactions", "passed")}), result.why
    assert "commit in any order" in result.evidence[0].warnings[0]


def test_a_unit_that_is_done_by_halves_fails(job) -> None:
    """The next start does its first half again."""
    with job("halves") as halves:
        result = halves.probe("INSERT-4-request-kill").run()
        seen = [halves.probe(f"COMMIT-{number}-reply-kill").run() for number in (1, 2, 3, 4, 5)]

    assert "failed" in {each.outcome for each in (result, *seen)}
    assert any("doubled" in each.why for each in (result, *seen))


def test_a_kill_may_cost_a_batch_of_each_thread(job) -> None:
    """All of them were under way; that is not from zero again."""
    with job("whole", RERUN + "\nmajor_operation = true") as whole:
        clean = whole.laboratory.clean("load").record
        results = [whole.probe(f"INSERT-{number}-request-kill").run() for number in (7, 9)]

    assert writers_at_once(clean, "warehouse") > 1
    assert callers_at_once(clean, "warehouse") > 1
    assert [said(each) for each in results] == [("passed", {("checkpoints", "passed")})] * 2


POOL = """
    import os, sys, psycopg2

    times = open(sys.argv[1], "a+")
    times.write("x")
    times.seek(0)
    many = len(times.read()) in {WHEN}
    times.close()
    connections = [psycopg2.connect(os.environ["DATABASE_URL"]) for _ in range(3 if many else 2)]
    with connections[0] as connection, connection.cursor() as cursor:
        cursor.execute("insert into rows values (1)")
"""


def pooling(pool, folder, when):
    """Return a job that makes three connections in these of its runs, and two in the others."""
    code = POOL.replace("{WHEN}", when)
    return Job(pool, folder, code, mode=str(folder / "runs"), schema="create table rows (n int);")


def test_a_connection_that_not_each_undisturbed_run_makes_is_no_fault_point(pool, tmp_path):
    """Nobody could say that a fault there will meet anything."""
    with pooling(pool, tmp_path, "{2}") as job:
        ids = {point.id for point in job.laboratory.clean("load").recording.points}

    assert {"Startup-2-request", "Startup-3-request"} & ids == {"Startup-2-request"}


@pytest.mark.parametrize(("when", "outcome"), [("{1, 2, 4}", "passed"), ("{1, 2}", "unproven")])
def test_a_fault_that_met_nothing_is_tried_once_more(pool, tmp_path, when, outcome):
    """Then it is unproven."""
    with pooling(pool, tmp_path, when) as job:
        result = job.probe("Startup-3-request-kill").run()

    assert (result.outcome, "never fired" in result.why) == (outcome, outcome == "unproven")


WORKERS = """
    import os, random, sys, threading, time, psycopg2

    WAITS = {"doubling": lambda n: 0.3 * 2 ** n, "constant": lambda n: 0.3}
    failed = []

    def store(unit):
        with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
            cursor.execute("insert into rows values (%s)", (unit,))
            time.sleep(0.2)

    def work(unit):
        for n in range(4):
            try:
                return store(unit)
            except psycopg2.Error:
                time.sleep(random.uniform(0.5, 1.5) * WAITS[sys.argv[1]](n))
        failed.append(unit)

    threads = [threading.Thread(target=work, args=(unit,)) for unit in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(bool(failed))
"""


@pytest.mark.parametrize(("mode", "outcome"), [("doubling", "passed"), ("constant", "unproven")])
@pytest.mark.parametrize("trouble", ["login-reset", "shutdown"])
def test_workers_that_wait_alike_are_told_apart(pool, tmp_path, mode, outcome, trouble):
    """With the draws of all at their midpoint the attempts of threads come in rounds."""
    with Job(pool, tmp_path, WORKERS, mode=mode, schema="create table rows (n int);") as job:
        result = job.experiments(growing_waits)[f"warehouse::{trouble}"].run()

    assert result.outcome == outcome, result.why
    assert ("connections work at the same time" in result.why) == (outcome == "unproven")
