"""Who waits for a silent database without an end is told that the usual settings do not end it, and what does."""

from __future__ import annotations

import psycopg2
import pytest

from pytest_resilience.checklist.judges.case import Case
from pytest_resilience.checklist.judges.client_advice import advised

CASE = Case(item="external-calls", subject="workload load / service warehouse")


@pytest.mark.parametrize(
    "why",
    [
        "no answer to the request: still running after 120 s, its deadline is 60 s",
        "Silence before UPDATE number 1 on warehouse: start 1 of it was still running at its deadline of 60 s",
        "no answer: BEGIN got no answer, and had not come back at the deadline, in try 1",
    ],
)
def test_what_ends_a_wait_is_named(why):
    """Of a database alone."""
    failed = CASE.failed(why, "Give each call a time-out.")
    fix = advised(failed, "postgres").fix

    assert fix.startswith("Give each call a time-out. Of PostgreSQL's clients: libpq")
    assert "set_wait_callback" in fix
    assert advised(failed, "http") == failed


def test_other_reasons_are_left_as_they_are():
    """Rows that are lost have nothing to do with a client's settings."""
    failed = CASE.failed("Reply lost after COMMIT number 1: 12 rows, expected 24", "look whether it is there")

    assert advised(failed, "postgres") == failed


def test_the_client_has_what_it_is_told_to_use():
    """So that advice which has grown old is noticed."""
    assert callable(psycopg2.extensions.set_wait_callback)
    assert "command_timeout" in pytest.importorskip("asyncpg").connect.__kwdefaults__
