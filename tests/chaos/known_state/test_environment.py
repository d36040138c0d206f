"""What runs in a sandbox is told the sandbox's own addresses, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.model import AlertsDeclaration
from pytest_resilience.chaos.known_state.ground import direct
from pytest_resilience.errors import HarnessError

WAREHOUSE = {"warehouse": {"kind": "postgres", "env": {"DATABASE_URL": "{dsn}"}}}
LAKE = {"lake": {"kind": "postgres", "env": {"LAKE_URL": "{dsn}"}}}
ALERTS = AlertsDeclaration(
    env={
        "PAGERDUTY_EVENTS_URL": "{pagerduty}",
        "HOOK": "{slack}",
        "SMTP_HOST": "{smtp_host}",
        "SMTP_PORT": "{smtp_port}",
    }
)
SHELL = {
    "PATH": "/bin",
    "DATABASE_URL": "postgresql://production/",
    "LAKE_URL": "postgresql://production/lake",
    "PAGERDUTY_ROUTING_KEY": "real",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.example/real",
    "SMTP_USER": "real",
}


def test_shell_leads_nowhere_else(declare, begin):
    """Declared variables are the sandbox's; those of services that are not used, and real alert channels, are gone."""
    sandbox = begin(declare(WAREHOUSE | LAKE))
    env = sandbox.environment(["warehouse"], shell=SHELL)

    assert env["DATABASE_URL"] == sandbox.service("warehouse").dsn
    assert set(env) == {"PATH", "DATABASE_URL", "RESILIENCE_OUTBOX", "RESILIENCE_PREFIX"}


def test_alerts_reach_the_inbox(declare, begin):
    """The endpoints' addresses are filled in, with what the runtime needs besides; the outbox is the sandbox's own."""
    first, second = begin(declare(alerts=ALERTS)), begin(declare(alerts=ALERTS))
    env = first.environment(shell=SHELL)

    assert env["PAGERDUTY_EVENTS_URL"] == first.inbox.urls["pagerduty"]
    assert (env["HOOK"], env["SMTP_PORT"]) == (first.inbox.urls["slack"], first.inbox.urls["smtp_port"])
    assert len(env["PAGERDUTY_ROUTING_KEY"]) == 32
    assert "SMTP_USER" not in env
    assert env["RESILIENCE_OUTBOX"] != second.environment()["RESILIENCE_OUTBOX"]
    assert env == first.environment(shell=SHELL)


def test_inbox_is_closed_with_the_sandbox(declare, begin):
    """What arrived stays readable, and the outbox is gone."""
    sandbox = begin(declare(alerts=ALERTS))
    outbox = Path(sandbox.environment()["RESILIENCE_OUTBOX"])
    assert outbox.parent.is_dir()
    sandbox.close()

    assert list(sandbox.inbox.pagerduty) == []
    assert not outbox.parent.exists()


def test_canaries_are_new_each_time(declare, begin):
    """Each variable has a secret of its own, which no other sandbox has."""
    configuration = declare(canaries={"LABS_TOKEN": "{canary}", "HEADER": "Bearer {canary}"})
    first, second = begin(configuration), begin(configuration)
    env = first.environment()

    assert env["LABS_TOKEN"] == first.canaries["LABS_TOKEN"]
    assert env["HEADER"] == f"Bearer {first.canaries['HEADER']}"
    assert len({*first.canaries.values(), *second.canaries.values()}) == 4


def test_unknown_placeholder_is_told(declare, begin):
    """The message names the service and what would mean something."""
    with pytest.raises(HarnessError, match=r"env of service warehouse: \{uri\} is no placeholder here.*user"):
        begin(declare({"warehouse": {"kind": "postgres", "env": {"X": "{uri}"}}})).environment()


def test_listener_is_told_once(declare, begin):
    """Whoever wants to know gets the variables of a service when it begins."""
    told = []
    sandbox = begin(declare(WAREHOUSE), told=told.append)
    sandbox.postgres()
    sandbox.service("warehouse")

    assert told == [{"DATABASE_URL": sandbox.postgres().dsn}]


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://proxy:3128"}, "127.0.0.1,localhost,::1"),
        (
            {"https_proxy": "http://proxy:3128", "NO_PROXY": "localhost,.corp"},
            "localhost,.corp,127.0.0.1,::1",
        ),
    ],
)
def test_web_proxy_is_not_asked_for_this_machine(env, expected):
    """A company's web proxy stands between the workload and the world, not between it and our proxies."""
    assert direct(env).get("NO_PROXY") == expected
