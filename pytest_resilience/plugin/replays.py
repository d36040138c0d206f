"""Commands that try something again, with those options of this test run on which the result depends."""

from __future__ import annotations

import pytest

from pytest_resilience.plugin.options import TAKEN

BEGIN = "pytest --chaos"
REPEATED = (("--chaos-backend", "resilience_backend"), ("--chaos-toxiproxy", "resilience_toxiproxy"))
"""What changes the servers and the engine; where it is left to us, it is left to us again."""


def as_here(config: pytest.Config, replay: str) -> str:
    """Return a command that begins with `pytest --chaos` as it has to be written for this project and this run."""
    if not replay.startswith(BEGIN):
        return replay
    taken = config.stash.get(TAKEN, {})
    first = "--resilience-chaos" if "--chaos" in taken else "--chaos"
    given = [
        f"{name}={value}"
        for name, dest in REPEATED
        if name not in taken and (value := config.getoption(dest, default="auto")) != "auto"
    ]
    return " ".join(["pytest", first, *(each for each in given if each not in replay)]) + replay[len(BEGIN) :]
