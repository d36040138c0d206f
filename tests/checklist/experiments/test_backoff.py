"""Each way to try again that is wrong is found in runs, and the right ones pass, whatever library they are made of."""

from __future__ import annotations

import pytest
from small_jobs import KEEPING_LABS

from pytest_resilience.checklist.experiments import backoff_waits
from pytest_resilience.checklist.records.attempts import attempts

WAITING = """
    import itertools, os, random, secrets, subprocess, time, uuid

    LABS = os.environ.get("LABS_URL", "")

    class LabsDown(Exception):
        pass

    def passes(error):
        status = getattr(getattr(error, "response", None), "status_code", None)
        return status is None or status in (429, 500, 502, 503, 504)

    def ask(method="GET", headers=None):
        import requests
        reply = requests.request(method, LABS + "/score", timeout=0.3, headers=headers)
        reply.raise_for_status()
        return reply.json()

    def again(wait, tries=4, worth=passes, once=ask, kept=True):
        for number in (itertools.count(1) if tries is None else range(1, tries + 1)):
            try:
                return once()
            except Exception as error:
                if number == tries or not worth(error):
                    raise LabsDown("labs did not answer") from error
                after = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "0")
                time.sleep(max(wait(number), float(after) if kept else 0.0))

    def jittered(number):
        return random.uniform(0.5, 1.5) * 0.1 * 2 ** (number - 1)

    def sound():
        again(jittered)

    def with_tenacity():
        import tenacity
        waits = tenacity.wait_exponential(multiplier=0.1) + tenacity.wait_random(0, 0.05)
        tenacity.retry(wait=waits, stop=tenacity.stop_after_attempt(4))(ask)()

    def with_urllib3():
        import requests
        from urllib3.util import Retry
        session = requests.Session()
        retry = Retry(total=4, backoff_factor=0.1, backoff_jitter=0.05, status_forcelist=[503])
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
        session.get(LABS + "/score", timeout=0.3).raise_for_status()

    def with_stamina():
        import httpx, stamina

        @stamina.retry(on=httpx.HTTPError, attempts=4, wait_initial=0.1, wait_jitter=0.05)
        def get():
            httpx.get(LABS + "/score", timeout=0.3).raise_for_status()

        get()

    def with_backoff():
        import backoff
        backoff.on_exception(backoff.expo, Exception, factor=0.2, max_tries=4)(ask)()

    def patient():
        again(lambda number: 3.0 * 2 ** (number - 1), tries=3)

    def stalled():
        def doubled(number):
            if number == 4:
                subprocess.run(["sleep", "0.1"])
            return min(5.0, 2.0 ** (number - 1))
        again(doubled, tries=6)

    def linear():
        again(lambda number: 0.15 * number, tries=5)

    def constant():
        again(lambda number: 0.3)

    def at_once():
        again(lambda number: 0.0)

    def once():
        again(jittered, tries=1)

    def endless():
        again(lambda number: 0.3, tries=None)

    def drawn_elsewhere():
        again(lambda number: 0.05 + secrets.SystemRandom().uniform(0, 0.05))

    def drawn_and_growing():
        again(lambda number: secrets.SystemRandom().uniform(0.5, 1.5) * 0.1 * 2 ** (number - 1))

    def every_error():
        again(jittered, worth=lambda error: True)

    def deaf():
        again(jittered, kept=False)

    def posts():
        again(jittered, once=lambda: ask("POST"))

    def posts_once():
        ask("POST")

    def posts_with_key():
        key = {"Idempotency-Key": uuid.uuid4().hex}
        again(jittered, once=lambda: ask("POST", headers=key))
"""


@pytest.fixture
def outcome(trying):
    """Return what an experiment says of a function."""

    def outcome(function: str, what: str):
        attempt = trying(labs_py=KEEPING_LABS, waiting_py=WAITING, resilience_toml=declared(function))
        return attempt(f"backoff::{function}::labs::{what}").evidence[0]

    return outcome


def declared(function: str) -> str:
    """Return the configuration of one function."""
    return f"""
    [services.labs]
    kind = "http"
    upstream = "{{python}} labs.py {{port}}"
    env = {{ LABS_URL = "{{url}}" }}

    [workloads.{function}]
    function = "waiting:{function}"
    uses = ["labs"]
    deadline = 5
    """


@pytest.mark.parametrize(
    "function", ["sound", "with_tenacity", "with_urllib3", "with_stamina", "with_backoff"]
)
def test_waits_that_double_pass(outcome, function) -> None:
    """Whoever makes them: a loop, tenacity, urllib3, stamina, backoff."""
    found = outcome(function, "status-503")

    assert (found.outcome, found.why) == ("passed", "")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("linear", "status 503: the waits grow linearly"),
        ("constant", "status 503: the waits do not grow"),
        ("at_once", "status 503: the waits "),
        ("once", "status 503: GET /score was tried once"),
        ("endless", "had not ended at its deadline"),
        ("drawn_elsewhere", "status 503: the waits "),
    ],
)
def test_other_waits_fail(outcome, function, words) -> None:
    """Each is named, with the waits that were seen."""
    found = outcome(function, "status-503")

    assert (found.outcome, found.why if words not in found.why else words) == ("failed", words)
    assert found.fix


def test_lateness_of_the_machine_is_no_shape(trying) -> None:
    """A tenth of a second, lost in each run, is a whole one at ten times the speed: it is judged again, slower."""
    long = declared("stalled").replace("deadline = 5", "deadline = 40")
    attempt = trying(labs_py=KEEPING_LABS, waiting_py=WAITING, resilience_toml=long)
    found = attempt("backoff::stalled::labs::status-503").evidence[0]

    assert (found.outcome, found.why) == ("passed", "")


ISOLATED = """
    import os, sys
    sys.path.insert(0, os.getcwd())
    import waiting
    waiting.drawn_and_growing()
"""


@pytest.mark.parametrize(
    ("how", "remedy"),
    [
        (
            'function = "waiting:drawn_and_growing"',
            "let waits be drawn by Python's `random`, or shorten its waits",
        ),
        ('command = ["{python}", "-I", "isolated.py"]', "shorten its waits and time-outs in tests"),
    ],
)
def test_too_few_waits_to_say_are_unproven(trying, monkeypatch, how, remedy) -> None:
    """Draws that nothing can pin take many episodes; what can be done depends on whether the process can be changed."""
    monkeypatch.setattr(backoff_waits, "BUDGET", 0.5)
    toml = declared("drawn_and_growing").replace('function = "waiting:drawn_and_growing"', how)
    attempt = trying(labs_py=KEEPING_LABS, waiting_py=WAITING, isolated_py=ISOLATED, resilience_toml=toml)
    found = attempt("backoff::drawn_and_growing::labs::status-503").evidence[0]

    assert (found.outcome, found.fix[: len(remedy)]) == ("unproven", remedy), found.why


def test_waits_without_jitter_are_a_warning(outcome) -> None:
    """Growth passes; that all clients come back together is told."""
    found = outcome("patient", "status-503")

    assert found.outcome == "passed"
    assert any("no jitter" in warning for warning in found.warnings)


@pytest.mark.parametrize("what", ["reset", "hang"])
def test_lost_connections_and_silence_are_tried_again(outcome, what) -> None:
    """The same loop waits alike after a reset and after a time-out."""
    assert outcome("sound", what).outcome == "passed"


@pytest.mark.parametrize(
    ("function", "what", "expected"),
    [
        ("sound", "permanent-401", "passed"),
        ("every_error", "permanent-401", "failed"),
        ("sound", "retry-after", "passed"),
        ("deaf", "retry-after", "failed"),
        ("posts", "repeats", "failed"),
        ("posts_with_key", "repeats", "passed"),
        ("posts_once", "repeats", "passed"),
    ],
)
def test_what_must_not_be_repeated(outcome, function, what, expected) -> None:
    """Permanent errors, before the time that was asked for, and requests that may have been done."""
    found = outcome(function, what)

    assert (expected, expected == "failed") == (found.outcome, bool(found.fix))


def test_an_attempt_ends_with_what_the_fault_answered(trying) -> None:
    """The record names the fault that struck a message, and the fault says with which status."""
    attempt = trying(labs_py=KEEPING_LABS, waiting_py=WAITING, resilience_toml=declared("sound"))
    record = attempt("backoff::sound::labs::permanent-401").record

    assert [one.outcome for one in attempts(record, "labs")] == ["401"]
