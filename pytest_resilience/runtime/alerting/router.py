"""The way in: decide on the channels, store the alert durably, and leave the rest to the courier."""

from __future__ import annotations

import dataclasses
import sqlite3
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import Severity
from pytest_resilience.runtime import log_sink
from pytest_resilience.runtime.alerting import process
from pytest_resilience.runtime.alerting.alert import Action, Alert, known_severity
from pytest_resilience.runtime.alerting.channel import Channel, checked_channels
from pytest_resilience.runtime.alerting.configuration import Configuration, from_environment
from pytest_resilience.runtime.alerting.courier import FAILOVER_ORDER, LAST_RESORT, Courier
from pytest_resilience.runtime.alerting.local_file import FileChannel
from pytest_resilience.runtime.alerting.rules import (
    POLICY_RULES,
    Rules,
    channels_for,
    checked_rules,
    load_rules,
)
from pytest_resilience.runtime.error_record import digest
from pytest_resilience.runtime.log_record import write_record
from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR, Redactor

MAX_IN_MEMORY = 10_000
"""Deliveries that may wait in memory while the outbox cannot be written; beyond that only CRITICAL is taken."""


class AlertRouter:
    """Route alerts by severity and component (policy §5).

    An alert is in a durable outbox before `route_alert` returns; threads of this process deliver it, or those of the
    next one that makes a router with the same outbox. Any number of routers share them. Where no channel is
    configured, alerts go to a local file. Nothing leaves here that was not redacted.

    Args:
        rules: pairs of severity and component with the names of their channels, or the path of a TOML file;
            default: `ROUTING_RULES`.
        channels: where alerts can go; default: what the environment configures when the router is made.
        outbox: the SQLite file; default: `RESILIENCE_OUTBOX`, else a file of this application in the user's state.
        redactor: takes patient data and secrets out.
        clock: stamps alerts.

    Raises:
        RulesError: if the rules, or their file, are wrong.
        TypeError: if one of the channels is none.
    """

    ROUTING_RULES: ClassVar[dict[tuple[str, str], list[str]]] = dict(POLICY_RULES)

    def __init__(
        self,
        *,
        rules: Rules | str | Path | None = None,
        channels: Iterable[Channel] | None = None,
        outbox: str | Path | None = None,
        redactor: Redactor = DEFAULT_REDACTOR,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        given = load_rules(rules) if isinstance(rules, str | Path) else rules
        self._rules = None if given is None else checked_rules(given)
        found = from_environment()
        self._configuration = Configuration(
            found.channels if channels is None else checked_channels(channels),
            Path(outbox) if outbox else found.outbox,
        )
        self._redactor = redactor
        self._clock = clock
        self._resume()

    def channels_for(self, severity: str, component: str) -> list[str]:
        """Return the names of the channels that the rules give to this pair; sends nothing."""
        rules = self.ROUTING_RULES if self._rules is None else self._rules
        return channels_for(known_severity(severity), component, rules)

    def route_alert(
        self,
        severity: str,
        component: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        dedup_key: str | None = None,
    ) -> list[str]:
        """Send an alert on its way; it is stored durably when this returns.

        Never raises, and waits for nothing but the outbox's disk.

        Args:
            severity: `CRITICAL`, `HIGH`, `MEDIUM`, `LOW` or `INFO`; anything else is taken for HIGH.
            component: `database`, `ml_model`, `data_pipeline`, `api`, `performance`, `monitoring`, or any other.
            message: what is wrong, in a sentence.
            details: more facts.
            dedup_key: what repeats of the same problem share; default: from severity, component and the message
                without its numbers.

        Returns:
            The names of the channels that the rules say; none for INFO, which is only logged. A channel that is
            not configured, or fails, is replaced by another one, at last by the local file; the names stay those
            of the rules.
        """
        try:
            level = known_severity(severity)
            names = self.channels_for(level, str(component))
            alert = self._alert(level, component, message, details or {}, dedup_key)
            if names:
                self._send(alert, names)
            else:
                self._log(alert)
        except Exception as failure:  # noqa: BLE001 - an alert must not add an error to the one it tells of
            log_sink.last_words(failure)
            return []
        return names

    def acknowledge_alert(self, severity: str, component: str, *, dedup_key: str | None = None) -> int:
        """Tell PagerDuty that somebody works on what is open; return how many incidents that is."""
        return self._follow_up("acknowledge", severity, component, dedup_key)

    def resolve_alert(self, severity: str, component: str, *, dedup_key: str | None = None) -> int:
        """Tell PagerDuty that what is open of this severity and component is over; return how many incidents."""
        return self._follow_up("resolve", severity, component, dedup_key)

    def flush(self, timeout: float = 5.0) -> bool:
        """Deliver what can be delivered within so many seconds, and tell whether nothing is left.

        Raises:
            OSError, sqlite3.Error: if the outbox cannot be read.
        """
        return not self._configuration.channels or self._courier().flush(timeout)

    def totals(self) -> Mapping[str, int]:
        """Return what became of the alerts in the outbox: `accepted`, `sent`, `pending`, `dead` (deliveries).

        Raises:
            OSError, sqlite3.Error: if the outbox cannot be read.
        """
        return self._courier().outbox.totals()

    def _resume(self) -> None:
        """Deliver what an earlier process left in the outbox, if there is one."""
        if self._configuration.channels and self._configuration.outbox.exists():
            try:
                self._courier()
            except (OSError, sqlite3.Error) as error:
                process.report("outbox", error, 1)

    def _alert(
        self, severity: str, component: str, message: str, details: Mapping[str, Any], dedup_key: str | None
    ) -> Alert:
        where, text = self._redactor.text(str(component)), self._redactor.text(str(message))
        return Alert(
            uid=uuid.uuid4().hex,
            severity=severity,
            component=where,
            message=text,
            details=self._redactor.mapping(details),
            dedup_key=self._key(dedup_key) or f"{severity}/{where}/{digest(text)}",
            created=self._clock.time(),
        )

    def _key(self, given: str | None) -> str | None:
        """Return a key as it leaves the process, the same in every event of an incident."""
        return self._redactor.text(str(given)) if given else None

    def _log(self, alert: Alert) -> None:
        facts = {"component": alert.component, "message": alert.message, "details": alert.details}
        write_record(log_sink.sink(process.LOGGER), Severity.INFO, "not alerted", facts, clock=self._clock)

    def _send(self, alert: Alert, names: Iterable[str]) -> None:
        if not self._configuration.channels:
            FileChannel(self._configuration.alert_file).send(alert)
            return
        try:
            courier = self._courier()
            courier.add(alert, _available(names, courier.names))
        except (OSError, sqlite3.Error) as error:
            process.report("outbox", error, 1)
            volatile = process.courier(self._configuration, durable=False)
            if volatile.outbox.totals()["pending"] >= MAX_IN_MEMORY and alert.severity != Severity.CRITICAL:
                raise MemoryError(
                    f"{MAX_IN_MEMORY} alerts are in memory already, and the outbox takes none"
                ) from error
            volatile.add(alert, _available(names, volatile.names))

    def _follow_up(self, action: Action, severity: str, component: str, dedup_key: str | None) -> int:
        try:
            courier = self._courier()
            level, where = known_severity(severity), self._redactor.text(str(component))
            given = self._key(dedup_key)
            keys = [given] if given else courier.outbox.open_incidents(level, where)
            told = self._alert(level, component, f"{action}d", {}, None)
            for key in keys if "pagerduty" in courier.names else ():
                again = dataclasses.replace(told, uid=uuid.uuid4().hex, action=action, dedup_key=key)
                courier.add(again, ["pagerduty"])
            return len(keys)
        except Exception as failure:  # noqa: BLE001 - an alert must not add an error to the one it tells of
            log_sink.last_words(failure)
            return 0

    def _courier(self) -> Courier:
        return process.courier(self._configuration)


def _available(names: Iterable[str], configured: frozenset[str]) -> list[str]:
    """Return the channels of the rules, each that is not configured replaced by the next one that is."""
    chosen = [name for name in names if name in configured]
    for name in names:
        if name not in configured:
            others = (other for other in FAILOVER_ORDER if other in configured and other not in chosen)
            chosen.append(next((other for other in others if other != "pagerduty"), LAST_RESORT))
    return list(dict.fromkeys(chosen))
