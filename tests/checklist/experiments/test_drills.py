"""Item 10 on small jobs: the steps of a runbook bring the workload back, and what it has promised."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_jobs import KEYED, Job

from pytest_resilience.checklist.experiments.drills import drills_of_runbooks

LOAD = """
    import os, pathlib, sys, psycopg2

    def take(inbox=pathlib.Path("inbox.csv")):
        if not inbox.exists():
            return []
        rows = [(int(line),) for line in inbox.read_text().split()[1:]]
        inbox.rename("done.csv")
        return rows

    if sys.argv[1] == "early":
        rows = take()
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    if sys.argv[1] == "sound":
        rows = take()
    with connection, connection.cursor() as cursor:
        cursor.executemany("insert into rows values (%s)", rows)
"""
RUNBOOK = """---
covers: [warehouse]
---
# Warehouse
## Symptom
It is away.
## Check
Look.
## Steps
```bash drill
{step}
```
## Verify
Rows are there.
"""
PROMISE = """resume = "rerun"
    [[workloads.load.exactly_once]]
    service = "warehouse"
    table = "public.rows"
    key = ["n"]
"""


@pytest.mark.parametrize(
    ("mode", "step", "outcome", "why"),
    [
        ("sound", "true", "passed", ""),
        ("sound", "false", "failed", "the step in line 10 ended with status 1"),
        ("early", "true", "failed", "2 keys lost"),
        ("early", "mv done.csv inbox.csv", "passed", ""),
    ],
)
def test_steps_bring_back_what_was_promised(pool, tmp_path, mode, step, outcome, why) -> None:
    """A job that moves its file before it is connected works again after the outage, and has lost what was in it."""
    (tmp_path / "inbox.csv").write_text("n\n1\n2\n")
    runbooks = tmp_path / "runbooks"
    runbooks.mkdir()
    (runbooks / "warehouse.md").write_text(RUNBOOK.format(step=step))
    with Job(pool, tmp_path, LOAD, mode=mode, more=PROMISE, schema=KEYED) as job:
        job.laboratory.configuration = replace(job.laboratory.configuration, drills=True, runbooks=runbooks)
        (drill,) = job.experiments(drills_of_runbooks).values()
        result = drill.run()

    assert (result.outcome, why in result.why) == (outcome, True), result.why
