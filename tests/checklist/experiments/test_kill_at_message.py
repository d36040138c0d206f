"""A workload that is killed at a message has sent it or not as the experiment says, however soon its end is seen."""

from __future__ import annotations

import threading

from pytest_resilience.chaos.explore.choice import all_probes
from pytest_resilience.chaos.run.arming.process import ProcessFault
from pytest_resilience.chaos.workload.workload import Workload
from pytest_resilience.checklist.experiments.single_fault import SingleFault

CONFIGURATION = """
    [services.warehouse]
    kind = "postgres"
    env = { DATABASE_URL = "{dsn}" }
    init = ["schema.sql"]

    [workloads.add]
    command = ["{python}", "add.py"]
    uses = ["warehouse"]
    deadline = 20
"""
ADD = """
    import os, psycopg2

    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("insert into rows values (1) on conflict do nothing")
"""


def test_end_that_is_seen_before_the_kill_is_noted(laboratory_of, monkeypatch) -> None:
    """Who sees that a process has ended heals its fault, and must not send on what is held, nor miss the receipt."""
    laboratory = laboratory_of(
        resilience_toml=CONFIGURATION, add_py=ADD, schema_sql="create table rows (n int primary key);"
    )
    (probe,) = (
        each
        for each in all_probes(laboratory.clean("add").recording.points)
        if each.id == "INSERT-1-request-kill"
    )
    healed, noted = threading.Event(), threading.Event()
    kill, heal, record = Workload.kill, ProcessFault.heal, ProcessFault.record

    kills = []

    def kill_and_be_late(workload):
        kill(workload)
        kills.append(workload)
        noted.wait(timeout=2)  # neither is done before this has returned

    def heal_and_tell(fault):
        heal(fault)
        healed.set()

    def record_and_tell(fault):
        found = record(fault)
        if healed.is_set():
            noted.set()
        return found

    monkeypatch.setattr(Workload, "kill", kill_and_be_late)
    monkeypatch.setattr(ProcessFault, "heal", heal_and_tell)
    monkeypatch.setattr(ProcessFault, "record", record_and_tell)
    result = SingleFault(laboratory, "add", probe).run()

    assert noted.is_set()
    assert (result.outcome, len(kills)) == ("passed", 1), (
        "it was tried again, for nothing was seen of the first kill"
    )
