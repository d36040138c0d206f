"""A server that a workload is connected to and that no service is declared for is told, for nothing makes it fail."""

from __future__ import annotations

import socket

import pytest

from pytest_resilience.checklist.experiments.external_calls import failing_services

DECLARED = """
    [services.labs]
    kind = "http"
    upstream = "{python} labs.py {port}"
    env = { LABS_URL = "{url}" }

    [workloads.both]
    function = "work:both"
    uses = ["labs"]
    env = { CACHE_PORT = "<port>" }
    calls = 5
    every = 0.05
    deadline = 20
"""
BARE = """
    [workloads.both]
    function = "work:both"
    env = { CACHE_PORT = "<port>" }
    calls = 5
    every = 0.05
"""
WORK = """
    import os, socket
    from telling import TROUBLE, LabsDown, ask, log, told

    cache = socket.create_connection(("127.0.0.1", int(os.environ["CACHE_PORT"])))

    def both():
        try:
            return ask(timeout=0.4) if "LABS_URL" in os.environ else None
        except TROUBLE as error:
            log("ERROR", told(error), error)
            raise LabsDown(told(error)) from error
"""


@pytest.fixture
def tried(laboratory_of):
    """Return what is said of external calls, first of all experiments, and where the cache is."""
    with socket.create_server(("127.0.0.1", 0)) as cache:
        port = cache.getsockname()[1]

        def tried(configuration):
            laboratory = laboratory_of(
                resilience_toml=configuration.replace("<port>", str(port)), work_py=WORK
            )
            evidence = next(iter(failing_services(laboratory))).run().evidence
            return next(each for each in evidence if each.item == "external-calls"), f"127.0.0.1:{port}"

        yield tried


def test_beside_declared_ones_it_is_a_warning(tried) -> None:
    """The others are judged; of this one it is said that nothing was tried."""
    told, cache = tried(DECLARED)
    (warning,) = told.warnings

    assert told.outcome == "passed", told.why
    assert f"connected to {cache} too, for which no service is declared" in warning


def test_where_none_is_declared_nothing_is_proven(tried) -> None:
    """That a workload uses no service is not taken from one that is seen to use one."""
    told, cache = tried(BARE)

    assert (told.outcome, told.why) == (
        "unproven",
        f"workload both declares that it uses no service, but is connected to {cache}",
    )
