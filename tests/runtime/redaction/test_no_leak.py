"""One thousand planted identifiers go in by every path, and none comes out at any sink."""

import contextlib
import io
import json
import logging
import re

import pytest

from pytest_resilience.runtime.alerting import process
from pytest_resilience.runtime.alerting.apprise import AppriseChannel
from pytest_resilience.runtime.alerting.email import EmailChannel
from pytest_resilience.runtime.alerting.pagerduty import PagerDutyChannel
from pytest_resilience.runtime.alerting.router import AlertRouter
from pytest_resilience.runtime.alerting.slack import SlackChannel
from pytest_resilience.runtime.correlation import operation
from pytest_resilience.runtime.error_log import StructuredErrorLogger
from pytest_resilience.runtime.redaction import RULES, Redactor
from pytest_resilience.runtime.repeat_limit import RepeatLimit
from pytest_resilience.services.alert_inbox import AlertInbox

EVERYWHERE = {("CRITICAL", "*"): ["pagerduty", "slack", "email", "file"]}
PLANTS_AN_ALERT = 4
CERTAIN = {rule.name for rule in RULES if rule.certain}


class Alerts:
    """A router that keeps what it is given, as the last sink of the log."""

    def __init__(self):
        self.texts = []

    def route_alert(self, *arguments, **details):
        """Keep it."""
        self.texts.append(json.dumps([arguments, details], default=str))


class Full(logging.StreamHandler):
    """A handler that fails, so that the standard library reports on it."""

    def format(self, _record):
        """Fail."""
        raise OSError(28, "no space")


class Foreign:
    """An object of no known type whose text is data."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


class Told(Exception):  # noqa: N818 - an application's own error
    """An error that carries data in its arguments."""


def leaks(plants, sinks):
    """Return what is found, and where: the plant's rule, its text and the name of the sink."""
    return [
        (plant.rule, plant.text, sink)
        for sink, text in sinks.items()
        for plant in plants
        if plant.needle in text and is_no_chance(plant.needle, text)
    ]


def is_no_chance(needle, text):
    """Tell a short number that was planted from the same digits inside an id or a time."""
    return len(needle) > 6 or not needle.isdecimal() or re.search(rf"(?<![\w.]){needle}(?!\w)", text)


def log_by_every_path(log, plant):
    """Log the planted text in each place of an error and its context."""
    text = plant.text
    named = text if plant.rule in CERTAIN else "icu"  # fields that name parts of the system are not judged
    log.log_error(Told(text), {"agent": named})
    log.log_error(KeyError(text), {"note": text, "rows": [{"deep": (text, {text})}], text: 1})
    with contextlib.suppress(Told):
        cause_and_note(log, text)
    log.log_error(
        ExceptionGroup("several", [Told("a", text), ExceptionGroup(text, [Told(text)])]), {"patient": text}
    )
    log.log_error(Told("x"), {"object": Foreign(text), "error": Told(text), "raw": text.encode()})
    with operation(named, correlation_id=named):
        log.log_error(text, {"component": named, "resource": named}, "CRITICAL")
    log.logger.warning("ordinary call: %s", text)


def cause_and_note(log, text):
    """Raise from a cause and from a context, with notes."""
    try:
        try:
            raise_it(text)
        except Told as error:
            error.add_note(text)
            raise Told("second") from error
    except Told as error:
        log.log_error(error, {})
        raise_it(text)


def raise_it(text):
    """Raise."""
    raise Told(text)


@pytest.fixture
def log():
    """A logger without a limit whose alerts are kept, and to which a failing handler was added."""
    made = StructuredErrorLogger("test.no_leak", router=Alerts(), limit=RepeatLimit(10**9))
    made.logger.addHandler(full := Full(io.StringIO()))
    yield made
    made.logger.removeHandler(full)


def test_nothing_leaks_by_the_log(plants, log, capfd, caplog):
    """Message, arguments, causes, notes, groups, context, keys, objects, ids, handler failures: none shows any."""
    found, lines = [], 0
    for plant in plants:
        caplog.clear()
        log._router.texts.clear()
        with contextlib.suppress(Told):
            try:
                raise_it(plant.text)
            except Told:
                log_by_every_path(log, plant)
        records = [record.getMessage() for record in caplog.records if record.funcName is None]
        out, err = capfd.readouterr()
        sinks = {
            "stdout": out,
            "stderr": err,
            "records": "\n".join(records),
            "alerts": "\n".join(log._router.texts),
        }
        lines += len(records) if "logging failed" in err else 0
        found += leaks([plant], {name: readable(text) for name, text in sinks.items()})

    assert lines >= 6 * len(plants)
    assert found == []


def readable(text):
    """Return the text with JSON's escapes undone, so that a needle with an accent or a quote is found."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text).replace('\\"', '"')


def test_the_search_finds_a_leak(plants, capfd):
    """With one rule off, the same paths show that rule's plants: the test above can fail."""
    off = "quoted-value"
    redactor = Redactor(rules=[rule for rule in RULES if rule.name != off])
    log = StructuredErrorLogger("test.leak", router=Alerts(), redactor=redactor, limit=RepeatLimit(10**9))
    mine = [plant for plant in plants if plant.rule == off]
    for plant in mine:
        log.log_error(Told(plant.text), {})

    assert len(leaks(mine, {"stderr": readable(capfd.readouterr().err)})) >= len(mine) / 2


@pytest.fixture(autouse=True)
def couriers():
    """No delivery goes on after its test."""
    yield
    process.stop_all()


@pytest.fixture
def inbox():
    """Captured endpoints of this test alone."""
    with AlertInbox() as running:
        yield running


@pytest.fixture
def router(inbox, tmp_path):
    """A router to all channels at once."""
    channels = [
        PagerDutyChannel("k" * 32, inbox.urls["pagerduty"]),
        SlackChannel(inbox.urls["slack"]),
        EmailChannel(
            host=inbox.urls["smtp_host"],
            port=int(inbox.urls["smtp_port"]),
            recipients=("oncall@example.org",),
            sender="icu@example.org",
        ),
    ]
    return AlertRouter(rules=EVERYWHERE, channels=channels, outbox=tmp_path / "outbox.sqlite3")


def test_nothing_leaks_by_alerts(plants, inbox, router, tmp_path, capfd):
    """Component, message, details and key: no channel, no file of the outbox and no stream shows any."""
    groups = [plants[place : place + PLANTS_AN_ALERT] for place in range(0, len(plants), PLANTS_AN_ALERT)]
    with inbox.slack.respond(500, body="failed"):
        for group in groups:
            text = "\n".join(plant.text for plant in group)
            router.route_alert(
                "CRITICAL", group[0].text, text, details={"d": text, group[1].text: 1}, dedup_key=text
            )
        router.flush(0.1)
    while router.totals()["pending"]:
        router.flush(5.0)
    sinks = {
        "pagerduty": "\n".join(json.dumps(alert.body, ensure_ascii=False) for alert in inbox.pagerduty),
        "slack": "\n".join(json.dumps(alert.body, ensure_ascii=False) for alert in inbox.slack),
        "email": "\n".join(f"{dict(alert.message.items())}{alert.body}" for alert in inbox.email),
        "streams": "".join(capfd.readouterr()),
        **{file.name: readable(file.read_bytes().decode("utf-8", "replace")) for file in tmp_path.iterdir()},
    }

    assert [len(inbox.pagerduty), len(inbox.slack), len(inbox.email)] == [len(groups)] * 3
    assert (len(inbox.pagerduty.rejected), len(inbox.slack.rejected), len(inbox.email.rejected)) == (0, 0, 0)
    assert {"outbox.sqlite3", "outbox.alerts.jsonl"} <= sinks.keys()
    found = leaks(plants, sinks)

    assert found == []


def test_the_last_resort_shows_nothing(plants, tmp_path):
    """Without any channel, the local file has all alerts and no identifier."""
    router = AlertRouter(channels=[], outbox=tmp_path / "outbox.sqlite3")
    for plant in plants[::10]:
        router.route_alert("HIGH", "api", plant.text, details={"d": plant.text})
    text = (tmp_path / "outbox.alerts.jsonl").read_text(encoding="utf-8")

    assert len(text.splitlines()) == len(plants[::10])
    assert leaks(plants, {"file": readable(text)}) == []


def test_channels_show_no_secret_of_their_own(inbox, tmp_path, capfd):
    """A webhook's URL and a password are in no message of a failed delivery."""
    url = inbox.urls["slack"].replace("XXXX", "kestrel")
    slack = SlackChannel(url)
    router = AlertRouter(channels=[slack], outbox=tmp_path / "outbox.sqlite3")
    router.route_alert("HIGH", "api", "gone")
    inbox.wait_for(lambda: inbox.slack.rejected)
    with inbox.slack.down():
        router.route_alert("HIGH", "api", "gone again")
        router.flush(0.2)
    email = EmailChannel(host="h", recipients=("a@b",), sender="c@d", user="u", password="kestrel")

    assert "kestrel" not in "".join(capfd.readouterr())
    assert "kestrel" not in repr(
        [slack, email, PagerDutyChannel("kestrel"), AppriseChannel(("json://kestrel",))]
    )
