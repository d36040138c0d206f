"""`python -m pytest_resilience route` says where an alert would go, and sends nothing."""

import subprocess
import sys

import pytest

from pytest_resilience.__main__ import COMMANDS, main
from pytest_resilience.runtime.alerting.configuration import ENVIRONMENT


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def test_it_names_the_channels(capsys):
    """By the policy's table; the status is 0."""
    assert main(["route", "CRITICAL", "database"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "CRITICAL/database goes to pagerduty, slack"


def test_it_says_what_is_missing(capsys, monkeypatch):
    """For each channel, whether it is configured, else what to set."""
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "https://hooks.example.org/x")
    main(["route", "critical", "database"])
    written = capsys.readouterr().out

    assert "pagerduty: not configured" in written
    assert "set PAGERDUTY_ROUTING_KEY" in written
    assert "slack: configured" in written
    assert "hooks.example.org" not in written


def test_info_goes_nowhere(capsys):
    """It is only logged."""
    main(["route", "INFO", "anything"])

    assert capsys.readouterr().out == "INFO/anything goes to no channel: it is only logged\n"


def test_rules_are_tried_offline(capsys, tmp_path):
    """A team's file decides."""
    file = tmp_path / "rules.toml"
    file.write_text('[[rule]]\nseverity = "LOW"\ncomponent = "*"\nchannels = ["file"]', encoding="utf-8")
    main(["route", "LOW", "disk", "--rules", str(file)])

    assert capsys.readouterr().out == "LOW/disk goes to file\n  file: configured\n"


def test_wrong_rules_end_with_4(capsys, tmp_path):
    """The message is on the standard error stream."""
    assert main(["route", "LOW", "disk", "--rules", str(tmp_path / "nowhere.toml")]) == 4
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["route"], ["route", "LOUD", "x"], ["nonsense"]])
def test_a_wrong_command_line_ends_with_2(arguments):
    """As argparse does."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2


def test_it_leaves_nothing_behind(tmp_path):
    """As a process: no outbox, no alert file, no output but the answer."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_resilience", "route", "HIGH", "api"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"HOME": str(tmp_path), "RESILIENCE_OUTBOX": str(tmp_path / "outbox.sqlite3")},
    )

    assert done.stdout.startswith("HIGH/api goes to slack\n")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_help_lists_every_command(capsys):
    """Each with its summary."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    written = capsys.readouterr().out

    assert ended.value.code == 0
    assert [command.name for command in COMMANDS if command.name not in written] == []
