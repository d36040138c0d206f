"""A server's second tries are seen whether its answer waits for them or not, apart from its polls."""

from __future__ import annotations

from itertools import pairwise

import pytest
from small_jobs import KEEPING_LABS, server

from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.checklist.experiments.backoff_tempo import Patient

SERVE = """
    import http.server, os, random, sys, threading, time, urllib.error, urllib.request, uuid

    MODES = os.environ["MODE"].split()

    def send(path, key=None):
        headers = {} if key is None else {"Idempotency-Key": key}
        request = urllib.request.Request(os.environ["LABS_URL"] + path, b"{}" if key else None, headers)
        with urllib.request.urlopen(request, timeout=0.3) as reply:
            reply.read()

    def wait(number):
        if "constant" in MODES:
            return 0.2
        return random.uniform(0.8, 1.2) * 0.1 * 2 ** (number - 1)

    def tell():
        key = uuid.uuid4().hex
        for number in range(1, 5):
            try:
                return send("/results", uuid.uuid4().hex if "newkey" in MODES else key)
            except OSError as error:
                if number == 4 or isinstance(error, urllib.error.HTTPError) and error.code < 429:
                    return
                after = getattr(error, "headers", {}).get("Retry-After", "0")
                time.sleep(wait(number) if "deaf" in MODES else max(wait(number), float(after)))

    def poll():
        while True:
            time.sleep(0.25 if "none" in MODES else 0.07)
            try:
                send("/news")
            except OSError:
                pass

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path != "/health" and not {"later", "none"} & set(MODES):
                tell()
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.wfile.flush()
            if self.path != "/health" and "later" in MODES:
                threading.Timer(0.02, tell).start()

        def log_message(self, *words):
            pass

    if "polls" in MODES:
        threading.Thread(target=poll, daemon=True).start()
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
"""


@pytest.fixture
def outcome(trying):
    """Return what an experiment says of a server that works as these words say."""

    def outcome(words: str, what: str):
        attempt = trying(
            labs_py=KEEPING_LABS, serve_py=SERVE, resilience_toml=server(words, every=0.4, deadline=15)
        )
        return attempt(f"backoff::api::labs::{what}").evidence[0]

    return outcome


@pytest.mark.parametrize(
    ("words", "what"),
    [("sound polls", "status-503"), ("sound later", "retry-after")],
)
def test_sound_servers_pass(outcome, words, what) -> None:
    """They try again while they answer, beside a poll, or when they have answered; and each run shows it."""
    found = outcome(words, what)

    assert (found.outcome, found.why) == ("passed", "")
    assert not any("not tried again" in warning for warning in found.warnings)


def test_a_server_is_asked_for_one_thing_after_the_other(laboratory_of) -> None:
    """However long each takes: tries of two calls at the same time cannot be told apart."""
    laboratory = laboratory_of(
        labs_py=KEEPING_LABS, serve_py=SERVE, resilience_toml=server("sound", every=0.4, deadline=15)
    )
    hang = FaultOrder(on="labs", when=When(request="POST /results"), kind="hang", times=None)
    record = Patient(laboratory, "api", "labs", hang).run(hang, "waits", scale=4.0, calls=3, pause=0.1)

    assert len(record.calls) >= 3
    assert all(before.ended <= after.began for before, after in pairwise(record.calls))


def test_a_server_that_only_polls_tries_nothing_again(trying) -> None:
    """What is asked each time it is its turn is no operation of a call, and needs no breaker."""
    attempt = trying(
        labs_py=KEEPING_LABS, serve_py=SERVE, resilience_toml=server("none polls", every=0.4, deadline=15)
    )

    found = [attempt(name).evidence[0] for name in ("backoff::api::labs::status-503", "breakers::api::labs")]

    assert [each.outcome for each in found] == ["not-applicable"] * 2, [each.why for each in found]


@pytest.mark.parametrize(
    ("words", "what", "why"),
    [
        ("constant polls", "status-503", "do not grow"),
        ("deaf", "retry-after", "the next attempt came after"),
        ("newkey later", "repeats", "under another idempotency key"),
    ],
)
def test_other_servers_fail(outcome, words, what, why) -> None:
    """The mistake is named, wherever it is made."""
    found = outcome(words, what)

    assert (found.outcome, why in found.why) == ("failed", True), found.why
