"""The `alert` expectation: somebody was called, soon enough and about the right thing; or nobody was.

What raises alerts elsewhere, by rules on log lines, calls somebody as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_resilience.chaos.configuration.model import AlertRule
from pytest_resilience.chaos.expectations.alert_facts import has_component, has_severity, raises
from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.expectations.log_rules import fired
from pytest_resilience.chaos.run.record import AlertRecord, RunRecord
from pytest_resilience.chaos.scenario.model import AlertExpectation, Expectations


def judge_alerts(expect: Expectations, record: RunRecord, context: Context) -> Iterator[Judgement]:
    """Judge each expected alert; what an endpoint refused reached nobody."""
    for wanted in expect.alerts:
        raised = [alert for alert in record.alerts if raises(alert)]
        raised += _by_rules(context.rules, record, since=None if wanted.none else record.first_receipt)
        found = [alert for alert in raised if wanted.none or _meets(alert, wanted, record.first_receipt)]
        yield Judgement(
            name="alert",
            phase="safety",
            held=not found if wanted.none else bool(found),
            expected=alert_words(wanted),
            seen=_seen(raised, record.first_receipt),
        )


def _by_rules(rules: Sequence[AlertRule], record: RunRecord, *, since: float | None) -> list[AlertRecord]:
    """Return what rules raise from the lines since a moment, or from all: severity and component alone are known."""
    lines = [line for line in record.logs if since is None or line.at >= since]
    return [
        AlertRecord(at=at, channel="rule", body={"severity": rule.severity, "component": rule.component})
        for rule in rules
        if (at := fired(rule, lines)) is not None
    ]


def alert_words(wanted: AlertExpectation) -> str:
    """Say what is asked."""
    if wanted.none:
        return "no alert"
    what = "/".join(part for part in (wanted.severity, wanted.component) if part)
    where = f" on {wanted.channel}" if wanted.channel else ""
    when = f" within {wanted.within:g} s of the first receipt" if wanted.within is not None else ""
    return f"an alert{f' {what}' if what else ''}{where}{when}"


def _meets(alert: AlertRecord, wanted: AlertExpectation, first_receipt: float | None) -> bool:
    since = alert.at - (first_receipt or 0.0)
    return (
        alert.rejected is None
        and since >= 0
        and (wanted.within is None or since <= wanted.within)
        and (wanted.channel is None or alert.channel == wanted.channel.lower())
        and (wanted.severity is None or has_severity(alert, wanted.severity))
        and (wanted.component is None or has_component(alert, wanted.component))
    )


def _seen(raised: list[AlertRecord], first_receipt: float | None) -> str:
    if not raised:
        return "none"
    return "; ".join(_one(alert, first_receipt) for alert in raised[:5]) + (
        f"; {len(raised) - 5} more" if len(raised) > 5 else ""
    )


def _one(alert: AlertRecord, first_receipt: float | None) -> str:
    payload = alert.body.get("payload")
    facts = payload if isinstance(payload, dict) else alert.body if alert.channel == "rule" else {}
    what = "/".join(str(facts[name]) for name in ("severity", "component") if facts.get(name))
    when = f"{alert.at - first_receipt:+.2f} s" if first_receipt is not None else f"at {alert.at:.2f} s"
    refused = f", refused: {alert.rejected}" if alert.rejected is not None else ""
    return f"{alert.channel}{f' {what}' if what else ''} {when}{refused}"
