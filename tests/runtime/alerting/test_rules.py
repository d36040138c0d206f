"""The routing table is the policy's, and a team's own rules are read from TOML or refused with the place."""

import pytest

from pytest_resilience import AlertRouter
from pytest_resilience.errors import FatalError, Severity
from pytest_resilience.runtime.alerting.rules import CHANNELS, channels_for, load_rules

TABLE = {
    ("CRITICAL", "database"): ["pagerduty", "slack"],
    ("CRITICAL", "ml_model"): ["pagerduty", "slack"],
    ("HIGH", "data_pipeline"): ["slack", "email"],
    ("HIGH", "api"): ["slack"],
    ("MEDIUM", "performance"): ["slack"],
    ("LOW", "monitoring"): ["email"],
}


def test_the_table_is_the_policys():
    """Six pairs, and no other."""
    assert AlertRouter.ROUTING_RULES == TABLE


@pytest.mark.parametrize(
    ("severity", "channels"),
    [
        ("CRITICAL", ["pagerduty", "slack"]),
        ("HIGH", ["slack", "email"]),
        ("MEDIUM", ["email"]),
        ("LOW", ["email"]),
        ("INFO", []),
    ],
)
def test_other_pairs_follow_their_severity(severity, channels):
    """The policy's defaults for pairs that are not in the table."""
    assert channels_for(severity, "elsewhere", TABLE) == channels


def test_severities_may_be_members_or_text():
    """`Severity.HIGH` and "HIGH" are one."""
    router = AlertRouter(channels=[])

    assert router.channels_for(Severity.HIGH, "api") == router.channels_for("high", "api") == ["slack"]


def test_rules_are_looked_up_when_they_are_used(monkeypatch):
    """Who changes the table of the class changes where alerts go."""
    monkeypatch.setitem(AlertRouter.ROUTING_RULES, ("HIGH", "api"), ["email"])

    assert AlertRouter(channels=[]).channels_for("HIGH", "api") == ["email"]


def test_a_file_adds_to_the_table(tmp_path):
    """Its rules win; a star is any component without a rule of its own; the rest stays the policy's."""
    file = tmp_path / "rules.toml"
    file.write_text(
        '[[rule]]\nseverity = "HIGH"\ncomponent = "api"\nchannels = ["email", "apprise"]\n'
        '[[rule]]\nseverity = "LOW"\ncomponent = "*"\nchannels = []\n',
        encoding="utf-8",
    )
    router = AlertRouter(rules=file, channels=[])

    assert router.channels_for("HIGH", "api") == ["email", "apprise"]
    assert router.channels_for("LOW", "disk") == []
    assert router.channels_for("LOW", "monitoring") == ["email"]
    assert router.channels_for("CRITICAL", "database") == ["pagerduty", "slack"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"hold no \[\[rule\]\] table"),
        ("x =", "not valid TOML"),
        ("rule = 1", r"hold no \[\[rule\]\] table"),
        ("rule = [1]", "rule 1 is not a table"),
        ('[[rule]]\nseverity = "HIGH"\nchannels = []', "rule 1 lacks component"),
        ('[[rule]]\nseverty = "HIGH"', "key 'severty' is unknown: did you mean 'severity'"),
        (
            '[[rule]]\nseverity = "CRITCAL"\ncomponent = "x"\nchannels = []',
            "'CRITCAL' is unknown: did you mean 'CRITICAL'",
        ),
        (
            '[[rule]]\nseverity = "HIGH"\ncomponent = "x"\nchannels = ["slak"]',
            "'slak' is unknown: did you mean 'slack'",
        ),
        ('[[rule]]\nseverity = "HIGH"\ncomponent = "x"\nchannels = ["qqq"]', "known are pagerduty, slack"),
        (
            '[[rule]]\nseverity = "HIGH"\ncomponent = "x"\nchannels = "slack"',
            "must be a list of names, got 'slack'",
        ),
    ],
)
def test_wrong_rules_are_refused(tmp_path, text, message):
    """With the file, the rule, and the nearest known name."""
    file = tmp_path / "rules.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(FatalError, match=message) as refused:
        AlertRouter(rules=str(file))

    assert "rules.toml" in str(refused.value)


def test_a_missing_file_is_refused(tmp_path):
    """The message says so."""
    with pytest.raises(FatalError, match="cannot be read: No such file"):
        load_rules(tmp_path / "nowhere.toml")


def test_channels_are_listed_once():
    """Names that rules may use are distinct, and hold every one of the policy's."""
    assert len(set(CHANNELS)) == len(CHANNELS)
    assert {name for names in TABLE.values() for name in names} <= set(CHANNELS)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({("HIGH", "api"): "slack"}, "must be a list of names, got 'slack'"),
        ({("HIGH", "api"): [7]}, r"must be a list of names, got \[7\]"),
        ({("high", "api"): ["slack"]}, "severity 'high' is unknown: did you mean 'HIGH'"),
        ({"HIGH": ["slack"]}, "'HIGH' is no pair"),
        ([("HIGH", "api")], "must be a mapping .* got list"),
    ],
)
def test_wrong_rules_in_python_are_refused(rules, message):
    """A rule that matches no alert, or names the letters of a channel, is found before an alert needs it."""
    with pytest.raises(FatalError, match=message):
        AlertRouter(rules=rules, channels=[])
