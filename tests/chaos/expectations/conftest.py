"""Runs as data, and a database to ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.record import FaultRecord, ProcessRecord, RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder, When


class Addresses:
    """Services at fixed addresses."""

    def __init__(self, dsn="", url=""):
        self.addresses = (dsn, url)

    def dsn(self, _service):
        return self.addresses[0]

    def url(self, _name):
        return self.addresses[1]


@pytest.fixture
def context():
    """Return a function that makes a context."""

    def make(dsn="", url="", folder=Path(), shape="job", **declared):
        workload = WorkloadDeclaration(name="ingest", shape=shape, **declared)
        return Context(look=Addresses(dsn, url), workload=workload, folder=folder)

    return make


@pytest.fixture
def record():
    """Return a function that makes a run with one fault that fired at second 1."""

    def make(*, exit_code=0, **facts):
        receipt = Receipt(at=1.0, service="warehouse", kind="cut", connection=1, message="COMMIT")
        order = FaultOrder(on="warehouse", when=When(message="COMMIT", nth=3, side="reply"), kind="cut")
        defaults = {
            "processes": (ProcessRecord(began=0.0, ended=5.0, exit_code=exit_code),),
            "faults": (FaultRecord(order=order, receipts=(receipt,), healed_at=2.0),),
        }
        return RunRecord(workload="ingest", **defaults | facts)

    return make


@pytest.fixture(scope="session")
def database(pool):
    """The address of a database that is only read."""
    return pool.postgres().dsn()
