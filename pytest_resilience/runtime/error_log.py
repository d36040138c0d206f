"""Log every error as one line of JSON that says what, where and why, and raise an alert when it is serious."""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Mapping
from typing import Any, Protocol

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import Severity
from pytest_resilience.runtime import log_sink
from pytest_resilience.runtime.alerting.alert import known_severity
from pytest_resilience.runtime.correlation import current_operation, new_id
from pytest_resilience.runtime.error_record import Messages, describe, fingerprint
from pytest_resilience.runtime.log_record import write_record
from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR, Redactor
from pytest_resilience.runtime.repeat_limit import RepeatLimit
from pytest_resilience.runtime.stack_trace import StackTraces

ALERTING = (Severity.CRITICAL, Severity.HIGH)
"""Severities that also raise an alert (policy §5)."""

_PROMOTED = ("operation", "resource", "attempt")


class Router(Protocol):
    """Where alerts go: an `AlertRouter`, or anything with its method."""

    def route_alert(
        self, severity: str, component: str, message: str, *, details: Mapping[str, Any] | None = None
    ) -> object:
        """Send the alert on its way."""


class StructuredErrorLogger:
    """Log errors by the standard library's logging, one JSON object a line (policy §5).

    The message of the log record is the line itself. Where the application has configured no console handler, the
    line goes to the standard error stream as it is. Nothing that it writes has not been redacted, and it never raises.

    Args:
        logger_name: the name of the standard library's logger.
        router: takes the alerts; default: an `AlertRouter` of what the environment configures at that moment.
        redactor: takes patient data and secrets out.
        limit: holds repeats back; what it holds back is counted in a later record. Default: 100 of a kind in a
            minute, shared by all of this name.
        clock: stamps the records.
    """

    def __init__(
        self,
        logger_name: str,
        *,
        router: Router | None = None,
        redactor: Redactor = DEFAULT_REDACTOR,
        limit: RepeatLimit | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.logger = log_sink.sink(logger_name)
        self._router = router
        self._redactor = redactor
        self._traces = _TRACES if redactor is DEFAULT_REDACTOR else StackTraces(redactor)
        self._limit = limit or _limit_of(logger_name, clock)
        self._clock = clock
        _LOGGERS.add(self)
        if router is None and os.path.exists(os.environ.get("RESILIENCE_OUTBOX", "")):  # noqa: PTH110 - no pathlib yet
            self._default_router()  # delivers what an earlier process left behind

    def log_error(
        self,
        error: BaseException | str,
        context: Mapping[str, Any] | None = None,
        severity: str = Severity.HIGH,
    ) -> None:
        """Write one record of the error; CRITICAL and HIGH raise an alert as well.

        Args:
            error: what went wrong, with its traceback and causes; or what there is to say where no exception is.
            context: what it went wrong with: operation, source file, target table, agent, component, ...
            severity: `CRITICAL`, `HIGH`, `MEDIUM`, `LOW` or `INFO`; anything else is taken for HIGH.
        """
        try:
            problem = error if isinstance(error, BaseException) else Exception(error)
            self._log(problem, context or {}, known_severity(severity))
        except Exception as failure:  # noqa: BLE001 - logging must not add an error to the one it logs
            log_sink.last_words(failure)

    def flush(self) -> None:
        """Write how many repeats were held back since their last record."""
        self._report_held(everything=True)

    def _log(self, error: BaseException, context: Mapping[str, Any], severity: Severity) -> None:
        plain = self._redactor.mapping(context)
        try:
            facts, identity = self._record(error, plain, severity)
        except Exception as failure:  # noqa: BLE001 - foreign code; whoever is on call is woken all the same
            log_sink.last_words(failure)
            facts = {"error_type": type(error).__name__, "error_message": "its record could not be made"}
            identity = {}
        if severity in ALERTING:
            self._alert(severity, str(plain.get("component") or self.logger.name), facts, identity)

    def _record(
        self, error: BaseException, plain: Mapping[str, Any], severity: Severity
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Write the record; return its facts, and what ties it to others."""
        messages = Messages(self._redactor)
        facts = describe(error, messages)
        kind = fingerprint(error, facts["error_message"])
        identity = self._identity(plain) | {"fingerprint": kind}
        self._report_held()
        held = self._limit.admit(kind)
        if held is not None:
            facts |= identity | ({"suppressed": held} if held else {})
            trace = self._traces.render(error, messages)
            self._write(severity, "error", facts | {"context": plain, "stack_trace": trace})
        return facts, identity

    def _report_held(self, *, everything: bool = False) -> None:
        for kind, held in self._limit.take_held(everything=everything).items():
            message = f"{held} more errors of this kind were held back"
            facts = {
                "error_type": "held back",
                "error_message": message,
                "fingerprint": kind,
                "suppressed": held,
            }
            self._write(Severity.MEDIUM, "held back", facts | {"context": {}, "stack_trace": ""})

    def _write(self, severity: Severity, event: str, facts: Mapping[str, Any]) -> None:
        write_record(self.logger, severity, event, facts, clock=self._clock)

    def _default_router(self) -> Router:
        # SQLite, SMTP and TLS: a process that raises no alert need not load them.
        from pytest_resilience.runtime.alerting.router import AlertRouter  # noqa: PLC0415

        # A new one each time: what alerts are sent to is the environment's, which may have changed.
        return AlertRouter(redactor=self._redactor, clock=self._clock)

    def _identity(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ties the record to others: the operation's ids, and the facts that are looked for first."""
        current = current_operation()
        if current is None:
            facts: dict[str, Any] = {"correlation_id": context.get("correlation_id") or new_id()}
        else:
            ids = {"correlation_id": current.correlation_id, "operation": current.name}
            ids |= {"parent_id": current.parent_id} if current.parent_id else {}
            facts = {name: self._redactor.text(value, judged=False) for name, value in ids.items()}
        return facts | {name: context[name] for name in _PROMOTED if name in context}

    def _alert(
        self, severity: Severity, component: str, facts: Mapping[str, Any], identity: Mapping[str, Any]
    ) -> None:
        router = self._default_router() if self._router is None else self._router
        operation = f"{identity['operation']}: " if "operation" in identity else ""
        message = f"{operation}{facts['error_type']}: {facts['error_message']}"
        router.route_alert(severity, component, message, details=identity)


def _limit_of(name: str, clock: Clock) -> RepeatLimit:
    return _LIMITS.setdefault((name, clock), RepeatLimit(clock=clock))


_TRACES = StackTraces(DEFAULT_REDACTOR)
_LIMITS: dict[tuple[str, Clock], RepeatLimit] = {}
_LOGGERS: weakref.WeakSet[StructuredErrorLogger] = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    for logger in tuple(_LOGGERS):
        logger.flush()
