"""Item 6 from records: alerts that are due, invalid, too many, too late, or not due."""

from __future__ import annotations

from dataclasses import replace

import pytest
from seen_runs import calls, clean, exchange, fault, log, run, struck

from pytest_resilience.chaos.configuration.model import AlertRule, AlertsDeclaration, WorkloadDeclaration
from pytest_resilience.chaos.run.given_away import given_away
from pytest_resilience.chaos.run.record import AlertRecord, CallRecord
from pytest_resilience.checklist.judges import alerts

JOB = WorkloadDeclaration(name="ingest", shape="job", uses=("labs",))
UNANSWERED = (*calls("ok", "503"), CallRecord(number=3, began=3.0, ended=None, outcome="blocked"))
DECLARED = AlertsDeclaration(env={"PAGERDUTY_EVENTS_URL": "{pagerduty}"})


def page(at=1.0, *, action="trigger", key="labs", **changed):
    """Return a PagerDuty event."""
    payload = {"summary": "labs is down", "severity": "critical", "source": "ingest"} | changed
    body = {"routing_key": "a" * 32, "event_action": action, "dedup_key": key, "payload": payload}
    return AlertRecord(at=at, channel="pagerduty", body=body)


def mail(at=1.0):
    """Return an e-mail."""
    return AlertRecord(at=at, channel="email", body={"subject": "s", "from": "a@b", "to": "c@d", "text": "t"})


def slack(at=1.0, **body):
    """Return a Slack message."""
    return AlertRecord(at=at, channel="slack", body=body or {"text": "labs is down"})


def outage(*sent, declared=DECLARED, **more):
    """Judge an outage during which these alerts were sent."""
    seen = run(struck(0.5), alerts=sent, **more)
    return alerts.judge_outage(seen, clean=clean(), workload=JOB, service="labs", alerts=declared)


@pytest.mark.parametrize("sent", [[page()], [slack()], [page(), page(2), mail()], [mail(), slack()]])
def test_valid_alerts_pass(sent):
    """PagerDuty or Slack, repeats under one key."""
    assert outage(*sent).outcome == "passed"


def test_a_missing_resolve_is_a_warning():
    """An incident that nobody closes is told; one that is resolved is not."""
    assert outage(page()).warnings[0].startswith("no resolve")
    assert outage(page(), page(5, action="resolve")).warnings == ()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ([], "none was sent"),
        ([mail()], "e-mail alone"),
        ([page(99)], "came 98.5 s after"),
        ([page(0.1)], "none was sent"),
        ([page(severity="CRITICAL")], "'payload.severity' is invalid"),
        ([page(summary="x" * 1025)], "too long"),
        ([slack(blocks=[{"type": "nonsense"}])], "invalid_blocks"),
        ([page(key="1"), page(2, key="2")], "2 dedup_keys"),
        ([AlertRecord(at=1.0, channel="slack", body={}, rejected="no_text")], "no_text"),
        ([page(1, action="resolve")], "none was sent"),
        ([page(severity="info"), mail()], "severity info alone"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_alerts_fail(sent, why):
    """None, late, invalid, by e-mail alone, or an incident for each repeat."""
    found = outage(*sent)

    assert (found.outcome, why in found.why, bool(found.fix)) == ("failed", True, True)


@pytest.mark.parametrize(
    ("sent", "ends", "warned"),
    [
        ([page(severity="warning")], 1, True),
        ([page(severity="warning"), slack()], 1, False),
        ([page(severity="info"), page(severity="error")], 1, False),
        ([page(severity="info")], 0, False),
    ],
)
def test_how_severe_an_alert_has_to_be_depends_on_what_was_not_done(sent, ends, warned):
    """A job that goes on without the service has nobody to wake; PagerDuty's warning wakes in some services."""
    found = outage(*sent, exit_code=ends)

    assert found.outcome == "passed", found.why
    assert any("severity warning" in warning for warning in found.warnings) is warned


def test_a_planted_secret_in_an_alert_fails():
    """However valid it is."""
    seen = run(struck(0.5), alerts=[page(summary="labs is down, password hunter-7")])
    seen = replace(seen, given_away=tuple(given_away(seen, {"password": "hunter-7"})))
    found = alerts.judge_outage(seen, clean=clean(), workload=JOB, service="labs", alerts=DECLARED)

    assert (found.outcome, "hunter" in found.why) == ("failed", False)


@pytest.mark.parametrize("declared", [None, AlertsDeclaration()])
def test_undeclared_alerting_is_unproven(declared):
    """Without endpoints or rules nothing can be captured."""
    assert outage(declared=declared).outcome == "unproven"


def test_unfired_faults_prove_nothing():
    """No receipt, no verdict."""
    assert outage(page(), faults=[fault(fired=False)]).outcome == "unproven"


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        (AlertRule(severity="CRITICAL", component="labs", level="ERROR", matches="labs"), "passed"),
        (AlertRule(severity="CRITICAL", component="labs", count=2, within=5.0), "passed"),
        (AlertRule(severity="CRITICAL", component="labs", count=2, within=0.5), "failed"),
        (AlertRule(severity="CRITICAL", component="labs", count=3), "failed"),
        (AlertRule(severity="CRITICAL", component="labs", level="CRITICAL"), "failed"),
        (AlertRule(severity="LOW", component="labs"), "failed"),
    ],
)
def test_rules_are_evaluated_on_the_log(rule, outcome):
    """Level, expression, count and span decide; a rule of low severity is not enough."""
    logs = [log(at, '{"level": "ERROR", "event": "labs is down"}') for at in (1.0, 2.0)]

    assert outage(declared=AlertsDeclaration(rules=(rule,)), logs=logs).outcome == outcome


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (clean(), "passed"),
        (clean(alerts=[page()]), "failed"),
        (run([*struck(0.5), *exchange(1, 2)], exit_code=0), "passed"),
        (run([*struck(0.5), *exchange(1, 2)], exit_code=0, alerts=[slack()]), "failed"),
        (run(struck(0.5), exit_code=1), "unproven"),
        (run(struck(0.5), exit_code=0, faults=[fault(fired=False)]), "unproven"),
    ],
    ids=["clean", "clean-alert", "transient", "transient-alert", "lost", "unfired"],
)
def test_controls_stay_quiet(seen, outcome):
    """What a retry survives wakes nobody."""
    assert alerts.judge_control(seen, workload=JOB).outcome == outcome


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (run(struck(0.5), alerts=[page(8)]), "passed"),
        (run(struck(0.5)), "failed"),
        (run(struck(0.5), exit_code=2, alerts=[page(8)]), "failed"),
        (run(struck(0.5), exit_code=None, ended=None, blocked=True, alerts=[page(8)]), "failed"),
        (run(struck(0.5), faults=[fault(fired=False)], alerts=[page(8)]), "unproven"),
    ],
    ids=["later", "lost", "died", "hangs", "unfired"],
)
def test_dead_endpoints_are_survived(seen, outcome):
    """The application ends as it would have, and the alert comes when the endpoint is back."""
    found = alerts.judge_dead_endpoint(
        seen, reference=run(struck(0.5), alerts=[page()]), workload=JOB, healed_at=5.0
    )

    assert found.outcome == outcome


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"exit_code": 2}, "exit status 2, not 0"),
        ({"exit_code": None, "ended": None, "blocked": True}, "it hangs"),
        ({"exit_code": 0, "ended": 100.0, "calls": UNANSWERED}, "call 3 was never answered"),
    ],
    ids=["died", "hangs", "unanswered"],
)
def test_how_a_dead_endpoint_is_not_survived_is_told(more, why):
    """A server that ends as it is told to, and had not answered, has not ended otherwise by its status."""
    seen = run(struck(0.5), alerts=[page(8)], **more)
    reference = run(struck(0.5), exit_code=0, alerts=[page()])
    found = alerts.judge_dead_endpoint(seen, reference=reference, workload=JOB, healed_at=5.0)

    assert found.why == f"the application ends otherwise than with living alert endpoints: {why}"


@pytest.mark.parametrize(
    ("code", "told", "outcome"), [(0, True, "passed"), (143, True, "passed"), (1, False, "failed")]
)
def test_a_server_that_was_told_to_end_may_do_so_with_any_status(code, told, outcome):
    """On a busy machine it may be killed in the end; with an endpoint that is dead, or with one that is not."""
    seen, reference = (run(struck(0.5), alerts=[page(8)], exit_code=status) for status in (code, 128 + 9))
    reference = replace(reference, processes=(replace(reference.processes[0], told_to_end=True),))
    seen = replace(seen, processes=(replace(seen.processes[0], told_to_end=told),))
    found = alerts.judge_dead_endpoint(seen, reference=reference, workload=JOB, healed_at=5.0)

    assert found.outcome == outcome
