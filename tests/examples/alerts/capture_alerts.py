from pytest_resilience import AlertRouter
from pytest_resilience.services.alert_inbox import AlertInbox


def test_slack_is_asked_again_when_it_is_back(monkeypatch, tmp_path):
    """An alert that Slack throttles arrives after all."""
    monkeypatch.setenv("RESILIENCE_OUTBOX", str(tmp_path / "outbox.sqlite3"))
    with AlertInbox() as inbox:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", inbox.urls["slack"])
        with inbox.slack.respond(429, headers={"Retry-After": "1"}) as throttled:
            AlertRouter().route_alert("HIGH", "api", "The lab service does not answer")
            inbox.wait_for(lambda: throttled.fired)
        inbox.wait_for(lambda: len(inbox.slack) == 1)

    assert "The lab service does not answer" in inbox.slack[0].body["text"]
