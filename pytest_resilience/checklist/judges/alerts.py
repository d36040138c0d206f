"""Item 6: a lasting outage raises a valid alert in time, once; what passes by itself raises none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pytest_resilience.chaos.configuration.model import AlertRule, AlertsDeclaration, WorkloadDeclaration
from pytest_resilience.chaos.expectations.alert_facts import has_severity
from pytest_resilience.chaos.expectations.log_rules import fired
from pytest_resilience.chaos.run.record import AlertRecord, RunRecord
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.external_calls import is_blocked
from pytest_resilience.checklist.judges.proof import (
    fault_name,
    missing_path,
    missing_proof,
    never_answered,
    worked,
)
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.services.alert_inbox import pagerduty, slack
from pytest_resilience.services.alert_inbox.http import Request

ITEM = "alerts"
WITHIN = 60.0
"""Seconds from the first receipt to the alert of an outage (policy: at once)."""

DECLARE = (
    "declare the endpoints: `env` under [tool.resilience.alerts], in resilience.toml [alerts]; or, where alerting is "
    "done elsewhere, its `rules` on the log"
)
_WARNED = (
    "its outages are told to PagerDuty as severity warning: nobody is woken where urgency follows severity"
)
_SEND = "route errors of HIGH and CRITICAL to PagerDuty or Slack where the outage is noticed"


def judge_outage(
    run: RunRecord,
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    service: str,
    alerts: AlertsDeclaration | None,
    within: float = WITHIN,
    replay: str = "",
) -> Evidence:
    """Return whether a lasting outage of a service is alerted, validly and once."""
    name = fault_name(run.faults[0]) if run.faults else "no fault"
    case = Case(item=ITEM, subject=subject_of(workload.name, service, name), replay=replay)
    if secret := next((found for found in run.given_away if found[1].startswith("an alert")), None):
        return case.failed(f"the {secret[0]} stands in {secret[1]}", "redact before an alert is composed")
    if missing := missing_proof(run, service=service, clean=clean):
        return case.unproven(*missing)
    if alerts is None or not (alerts.env or alerts.rules):
        return case.unproven("nothing is declared of how this code alerts", DECLARE)
    if alerts.rules and not run.alerts:
        return _by_rules(case, alerts.rules, run)
    return _by_events(case, run, within)


def is_late(run: RunRecord, *, workload: WorkloadDeclaration, within: float = WITHIN) -> bool:
    """Return whether what a run raised came too late, or it was not over by its deadline."""
    return is_blocked(run, workload) or (bool(_raised(run)) and not _in_time(run, within))


def judge_control(
    run: RunRecord,
    *,
    workload: WorkloadDeclaration,
    name: str = "undisturbed",
    alerts: AlertsDeclaration | None = None,
    replay: str = "",
) -> Evidence:
    """Return whether a run that needs nobody (undisturbed, or a fault that a retry survived) stays quiet.

    Args:
        run: the control.
        workload: the code under test.
        name: what the control is, in words.
        alerts: where rules on logs raise the alerts.
        replay: tries it again.
    """
    case = Case(item=ITEM, subject=subject_of(workload.name, None, f"control: {name}"), replay=replay)
    missing = missing_proof(run) if run.faults else missing_path(run)
    if missing:
        return case.unproven(*missing)
    if not worked(run):
        return case.unproven(
            "the control did not succeed, so an alert would be right",
            "let the workload survive a transient fault",
        )
    raised = [alert for alert in run.alerts if not _resolves(alert)]
    ruled = [
        rule for rule in (alerts.rules if alerts is not None else ()) if fired(rule, run.logs) is not None
    ]
    if not raised and not ruled:
        return case.passed()
    what = (
        f"alert to {raised[0].channel}"
        if raised
        else f"alert {ruled[0].severity}/{ruled[0].component} by rule"
    )
    return case.failed(
        f"{len(raised) + len(ruled)} {what} although the run succeeded: nobody has to be woken",
        "alert when the retries are used up, not at each attempt",
    )


def judge_dead_endpoint(
    run: RunRecord,
    *,
    reference: RunRecord,
    workload: WorkloadDeclaration,
    healed_at: float,
    name: str = "down",
    replay: str = "",
) -> Evidence:
    """Return whether the application survives dead alert endpoints, and delivers when they are back.

    Args:
        run: an outage with the endpoints dead until `healed_at`.
        reference: the same outage with the endpoints alive.
        workload: the code under test.
        healed_at: seconds since the run began.
        name: what the endpoints did: `down`, `429`, `hang`.
        replay: tries it again.
    """
    case = Case(item=ITEM, subject=subject_of(workload.name, None, f"alert endpoint {name}"), replay=replay)
    if missing := missing_proof(run):
        return case.unproven(*missing)
    if not _accepted(reference):
        return case.unproven("the same outage raised no alert with its endpoint alive", _SEND)
    if worse := _worse(run, reference, workload.deadline):
        return case.failed(
            f"the application ends otherwise than with living alert endpoints: {worse}",
            "send alerts beside the work, with a time-out, and let no failure of theirs reach the caller",
        )
    if not any(alert.at >= healed_at for alert in _accepted(run)):
        return case.failed(
            "the alert was not delivered after its endpoint came back",
            "keep undelivered alerts in a durable outbox, and send them again when the endpoint or the process is back",
        )
    return case.passed()


def invalid(alert: AlertRecord) -> str | None:
    """Return why the real service would refuse an alert, or none."""
    if alert.rejected is not None:
        return alert.rejected
    if alert.channel == "email":
        return next(
            (f"the e-mail has no {part}" for part in ("from", "to", "subject") if not alert.body.get(part)),
            None,
        )
    judge, path = (
        (pagerduty.judge, pagerduty.PATH) if alert.channel == "pagerduty" else (slack.judge, slack.PATH)
    )
    reasons = judge(Request("POST", path, {}, json.dumps(dict(alert.body), default=str).encode())).reasons
    return reasons[0] if reasons else None


def _by_events(case: Case, run: RunRecord, within: float) -> Evidence:
    since, sent = run.first_receipt or 0.0, _sent(run)
    if wrong := [(alert, why) for alert in sent if (why := invalid(alert)) is not None]:
        alert, why = wrong[0]
        return case.failed(
            f"an alert to {alert.channel} is invalid: {why}", "send what the service documents; see `why`"
        )
    raised, in_time = _raised(run), _in_time(run, within)
    if not in_time:
        late = f"the first came {raised[0].at - since:.3g} s after the fault" if raised else "none was sent"
        return case.failed(
            f"no alert within {within:g} s of a lasting outage: {late}", f"{_SEND}; {_needs(run)}"
        )
    if all(alert.channel == "email" for alert in in_time):
        return case.failed(
            "a lasting outage was told by e-mail alone",
            "send HIGH to Slack, and CRITICAL to PagerDuty, where people look",
        )
    judged, most = _repeats(case, raised, sent, run), _most_severe(in_time)
    if worked(run) or most is None:
        return judged
    if most == "info":
        return case.failed(
            "a lasting outage, under which it failed, was told to PagerDuty as severity info alone, which calls nobody",
            "give the event payload.severity critical or error where the work is not done",
        )
    return replace(judged, warnings=(*judged.warnings, _WARNED)) if judged.outcome == "passed" else judged


def _most_severe(alerts: Sequence[AlertRecord]) -> Literal["warning", "info"] | None:
    """Return what PagerDuty is told at most; none where it is told more, or Slack is, which has no severities."""
    if any(alert.channel == "slack" or _is_high(alert) for alert in alerts):
        return None
    return "warning" if any(has_severity(alert, "MEDIUM") for alert in alerts) else "info"


def _is_high(alert: AlertRecord) -> bool:
    return alert.channel == "pagerduty" and any(has_severity(alert, name) for name in ("CRITICAL", "HIGH"))


def _raised(run: RunRecord) -> list[AlertRecord]:
    """Return the alerts since the fault, but for those that say it is over."""
    return [alert for alert in _sent(run) if not _resolves(alert)]


def _sent(run: RunRecord) -> list[AlertRecord]:
    return [alert for alert in run.alerts if alert.at >= (run.first_receipt or 0.0)]


def _in_time(run: RunRecord, within: float) -> list[AlertRecord]:
    return [alert for alert in _raised(run) if alert.at - (run.first_receipt or 0.0) <= within]


def _needs(run: RunRecord) -> str:
    down = next((fault.order.on for fault in run.faults if fault.order.on), "the failed service")
    return f"the way of the alert must not need {down}"


def _repeats(
    case: Case, raised: Sequence[AlertRecord], sent: Sequence[AlertRecord], run: RunRecord
) -> Evidence:
    events = [alert.body for alert in raised if alert.channel == "pagerduty"]
    keys = {str(event.get("dedup_key")) for event in events}
    components = {_component(event) for event in events}
    if len(events) > 1 and len(keys) > len(components):
        return case.failed(
            f"{len(events)} PagerDuty events of one outage have {len(keys)} dedup_keys: each opens an incident",
            "derive dedup_key from what is broken (severity and component), not from the event",
        )
    return case.passed(*(_missing_resolve(events, sent) if _saw_heal(run) else ()))


def _saw_heal(run: RunRecord) -> bool:
    """Tell whether the application still ran when the service was back, so that it could say so."""
    healed = max((fault.healed_at or run.duration for fault in run.faults), default=0.0)
    return any(process.ended is None or process.ended > healed for process in run.processes)


def _missing_resolve(events: Sequence[Mapping[str, Any]], sent: Sequence[AlertRecord]) -> Iterator[str]:
    if events and not any(_resolves(alert) for alert in sent):
        yield "no resolve event followed: the incident stays open when the service is back"


def _component(event: Mapping[str, Any]) -> str:
    payload = event.get("payload")
    return str(payload.get("component", "")) if isinstance(payload, Mapping) else ""


def _by_rules(case: Case, rules: Sequence[AlertRule], run: RunRecord) -> Evidence:
    since = run.first_receipt or 0.0
    lines = [line for line in run.logs if line.at >= since]
    firing = [rule for rule in rules if fired(rule, lines) is not None]
    if any(rule.severity.upper() in {"CRITICAL", "HIGH"} for rule in firing):
        return case.passed()
    what = "only rules of lower severity fire" if firing else f"none of {len(rules)} rules fires"
    return case.failed(
        f"{what} on the {len(lines)} log lines after the fault",
        "log what the rule looks for at its level, or correct the rule's `level`, `matches`, `count`, `within`",
    )


def _resolves(alert: AlertRecord) -> bool:
    return alert.channel == "pagerduty" and alert.body.get("event_action") in {"resolve", "acknowledge"}


def _accepted(run: RunRecord) -> list[AlertRecord]:
    return [alert for alert in run.alerts if alert.rejected is None and not _resolves(alert)]


def _worse(run: RunRecord, reference: RunRecord, deadline: float) -> str | None:
    """Return how it ended worse than with the endpoints alive; none where it did not."""
    if any(process.blocked for process in run.processes) and not any(p.blocked for p in reference.processes):
        return "it hangs"
    if unanswered := [call.number for call in run.calls if never_answered(run, call, deadline)]:
        return f"call {unanswered[0]} was never answered"
    status, usual = _own_status(run), _own_status(reference)
    if status is None or status == usual:
        return None
    return (
        f"exit status {status}, not {usual}" if usual is not None else f"it ended with exit status {status}"
    )


def _own_status(run: RunRecord) -> int | None:
    """Return the status with which it ended by itself; none of a server that was told to, whose own may be any."""
    last = run.processes[-1] if run.processes else None
    return last.exit_code if last is not None and last.ended_by_itself else None
