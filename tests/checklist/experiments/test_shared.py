"""What costs runs is found out by one process of a test run, for all of them."""

from __future__ import annotations

from pytest_resilience.checklist.experiments.backoff import growing_waits
from pytest_resilience.checklist.experiments.backoff_waits import Waits

TRYING = """
    import os
    import random
    import time
    import urllib.request

    for attempt in range(4):
        try:
            urllib.request.urlopen(os.environ["LABS_URL"] + "/score").read()
            break
        except OSError:
            if attempt == 3:
                raise
            time.sleep(0.05 * 2**attempt * (1 + random.random()))
"""
DECLARED = """
    [services.labs]
    kind = "http"
    upstream = "{python} labs.py {port}"
    env = { LABS_URL = "{url}" }

    [workloads.trying]
    command = "{python} trying.py"
    uses = ["labs"]
"""


def test_first_look_at_waits_is_taken_once(laboratory_of, monkeypatch):
    """A second process of the run has what the first has seen, and makes no run for it."""
    first, second = (_patient(laboratory_of(trying_py=TRYING, resilience_toml=DECLARED)) for _ in range(2))
    seen = first.tempo()
    monkeypatch.setattr(second.laboratory, "trial", None)

    assert (second.tempo().tries, second.tempo().first) == (seen.tries, seen.first)
    assert seen.tries == 4


def _patient(laboratory):
    return next(each.patient for each in growing_waits(laboratory) if isinstance(each, Waits))
