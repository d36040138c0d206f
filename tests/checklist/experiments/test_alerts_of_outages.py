"""A lasting outage is told, once, and later where endpoints are dead too; each mistake with that is found."""

from __future__ import annotations

import pytest

WATCH = """
    import json, os, pathlib, sys, time, urllib.request, uuid
    from telling import MODE, TROUBLE, ask, log, told

    OUTBOX = pathlib.Path("outbox")
    OUTBOX.mkdir(exist_ok=True)

    def deliver():
        for file in sorted(OUTBOX.iterdir()):
            request = urllib.request.Request(
                os.environ["EVENTS"], file.read_bytes(), {"Content-Type": "application/json"}
            )
            try:
                urllib.request.urlopen(request, timeout=None if MODE == "endless" else 0.3).close()
            except TROUBLE:
                if MODE == "forgetful":
                    file.unlink()
            else:
                file.unlink()

    def alert(error):
        said = os.environ["API_KEY"] if MODE == "leaky" else "labs is down"
        key = str(uuid.uuid4()) if MODE == "noisy" else "labs-down"
        event = {
            "routing_key": os.environ["PAGERDUTY_ROUTING_KEY"], "event_action": "trigger", "dedup_key": key,
            "payload": {"summary": said, "severity": "critical", "source": "watch", "component": "labs"},
        }
        if MODE == "invalid":
            del event["payload"]["source"]
        if MODE != "silent":
            (OUTBOX / f"{time.time_ns()}").write_text(json.dumps(event))
            deliver()

    deliver()
    for attempt in (1, 2):
        try:
            ask()
            break
        except TROUBLE as error:
            log("ERROR", told(error), error)
            if attempt == 2 or MODE == "wolf":
                alert(error)
            if attempt == 2:
                sys.exit(1)
"""
TOML = """
    canaries = { env = { API_KEY = "{canary}" } }
    [services.labs]
    kind = "http"
    upstream = "{python} labs.py {port}"
    env = { LABS_URL = "{url}" }
    [alerts]
    env = { EVENTS = "{pagerduty}" }
    [workloads.watch]
    command = ["{python}", "watch.py"]
    uses = ["labs"]
    resume = "rerun"
    env = { MODE = "%s" }
    deadline = 4
"""


def test_sound_alerts_pass(trying) -> None:
    """In an outage, undisturbed, with a short fault, and with endpoints that are dead in each way."""
    attempt = trying(watch_py=WATCH, resilience_toml=TOML % "sound")
    parts = ("outage", "transient", "endpoint-down", "endpoint-hang", "endpoint-429")
    results = {part: attempt(f"alerts::watch::labs::{part}") for part in parts}
    results["undisturbed"] = attempt("alerts::watch::undisturbed")

    assert {part: (result.outcome, result.why) for part, result in results.items()} == dict.fromkeys(
        (*parts, "undisturbed"), ("passed", "")
    )


@pytest.mark.parametrize(
    ("mode", "part", "words"),
    [
        ("silent", "outage", "no alert within 60 s of a lasting outage: none was sent"),
        ("invalid", "outage", "an alert to pagerduty is invalid"),
        ("noisy", "outage", "2 PagerDuty events of one outage have 2 dedup_keys"),
        ("leaky", "outage", "the planted secret in API_KEY stands in an alert to pagerduty"),
        ("wolf", "transient", "although the run succeeded: nobody has to be woken"),
        ("forgetful", "endpoint-down", "the alert was not delivered after its endpoint came back"),
        ("endless", "endpoint-hang", "ends otherwise than with living alert endpoints: it hangs"),
    ],
)
def test_a_mistake_with_alerts_is_found(trying, mode, part, words) -> None:
    """By the experiment that is about it."""
    result = trying(watch_py=WATCH, resilience_toml=TOML % mode)(f"alerts::watch::labs::{part}")

    assert result.outcome == "failed"
    assert words in result.why


QUICK = TOML.replace("deadline = 4", "deadline = 30") % "sound"
QUICK = f"time_scale = 40\n{QUICK}"


def test_work_before_an_alert_does_not_make_it_late_by_a_clock_that_ran_faster(trying) -> None:
    """2.5 s of it, a hundred where time runs forty times faster."""
    code = WATCH.replace("MODE !=", "ctypes.CDLL(None).usleep(2_500_000) == 0 and MODE !=")
    code = code.replace("import json", "import ctypes, json", 1)
    result = trying(watch_py=code, resilience_toml=QUICK)("alerts::watch::labs::outage")

    assert (result.outcome, result.why, result.record.time_scale) == ("passed", "", 1.0)


def test_a_time_out_of_an_alert_is_not_held_to_time_that_ran_faster(trying, monkeypatch) -> None:
    """3 s of a socket's, which no time scale shortens; a start has less than that where time runs faster."""
    monkeypatch.setattr("pytest_resilience.chaos.run.life.WORK_SECONDS", 2.0)
    attempt = trying(watch_py=WATCH.replace("else 0.3", "else 3"), resilience_toml=QUICK)
    result = attempt("alerts::watch::labs::endpoint-hang")

    assert (result.outcome, result.why, result.record.time_scale) == ("passed", "", 1.0)


def test_alerts_that_nobody_declares_are_unproven(trying) -> None:
    """With the words that say what to declare."""
    toml = (TOML % "sound").replace("[alerts]", "").replace('env = { EVENTS = "{pagerduty}" }', "", 1)
    result = trying(watch_py=WATCH, resilience_toml=toml)("alerts::watch::undeclared")

    assert result.outcome == "unproven"
    assert "[tool.resilience.alerts]" in result.evidence[0].fix
