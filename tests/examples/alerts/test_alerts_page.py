"""The programs of docs/alerts.md run, and do what the page says."""

import json
import runpy
from pathlib import Path

import pytest

from pytest_resilience import AlertRouter
from pytest_resilience.runtime.alerting import process
from pytest_resilience.runtime.alerting.configuration import ENVIRONMENT

HERE = Path(__file__).parent
exec((HERE / "capture_alerts.py").read_text(encoding="utf-8"))  # noqa: S102 - its test is collected here


@pytest.fixture(autouse=True)
def outbox(monkeypatch, tmp_path):
    """No channel is configured, and the outbox is this test's."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RESILIENCE_OUTBOX", str(tmp_path / "outbox.sqlite3"))
    yield tmp_path / "outbox.alerts.jsonl"
    process.stop_all()


def run(name):
    """Run a program of the page and return its globals."""
    return runpy.run_path(str(HERE / name))


def refuse(_source_file):
    """Fail as a lost warehouse does."""
    raise ConnectionError("connection to the warehouse lost")


def test_errors_are_logged_and_alerted(capsys, outbox):
    """One record with the operation, one alert for the component."""
    run("log_errors.py")["ingest"]("data/icustays.csv", refuse)
    record = json.loads(capsys.readouterr().err)
    alert = json.loads(outbox.read_text(encoding="utf-8"))

    assert (record["operation"], record["error_type"]) == ("ingest_icustays", "ConnectionError")
    assert (alert["severity"], alert["component"]) == ("CRITICAL", "database")


def test_alerts_are_routed(outbox):
    """To the local file, where nothing is configured."""
    run("route_alerts.py")

    assert "runbooks/database.md" in outbox.read_text(encoding="utf-8")


def test_rules_are_read():
    """The page's file of rules is valid."""
    router = AlertRouter(rules=HERE / "rules.toml")

    assert router.channels_for("HIGH", "model_serving") == ["pagerduty", "slack"]
    assert router.channels_for("LOW", "disk") == ["file"]


def test_channels_can_be_ones_own(capsys):
    """The alert is printed."""
    router = run("own_channel.py")["router"]

    assert router.flush(30)
    assert "HIGH api: The lab service does not answer" in capsys.readouterr().err


def test_redaction_can_be_extended():
    """The program checks itself."""
    assert run("own_redaction.py")["log"]
