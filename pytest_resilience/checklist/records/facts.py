"""The eight facts that an error's record should carry, under whatever names a team gives them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DEEPEST = 4
"""Mappings inside one another that are read."""

ALIASES: Mapping[str, frozenset[str]] = {
    "timestamp": _words(
        "timestamp time ts asctime datetime date created created_at t when logged_at eventtime"
    ),
    "level": _words("level severity levelname log_level lvl loglevel severity_text level_name"),
    "event": _words("event message msg event_name error_message text body description"),
    "error type": _words(
        "error_type exc_type exception_type error_class exception_class exc_name error_name error_kind "
        "exc_class exception_name err_type error_code sqlstate"
    ),
    "operation": _words(
        "operation op operation_name function func func_name funcname action task task_name step step_name stage "
        "job job_name agent handler span_name command activity method workflow workload flow phase"
    ),
    "resource": _words(
        "resource service service_name source_file target_table table file filename url uri host hostname endpoint "
        "component dependency target database db path dsn model model_name bucket queue topic peer server address "
        "upstream store source dataset route circuit breaker"
    ),
    "attempt": _words(
        "attempt attempts retry retries try tries retry_count retry_number attempt_number attempt_no n_tries "
        "attempt_count max_retries max_attempts retries_left attempts_left"
    ),
    "correlation id": _words(
        "correlation_id correlation request_id req_id trace_id trace run_id batch_id batch job_id operation_id span_id "
        "transaction_id incident_id task_id event_id error_id id reference ref fingerprint session_id "
        "trace_span_id call_id deployment_id checkpoint_id message_id uuid"
    ),
}
"""By fact: the keys it is known under, in lower case, with `_` for whatever separates their words."""

_ERROR_PARENTS = frozenset({"error", "exception", "exc", "err", "exc_info"})
_ERROR_CLASS = re.compile(r"\b[A-Za-z_][\w.]*(?:Error|Exception|Timeout|Failed|Unavailable|Refused)\b")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATOR = re.compile(r"[\s.\-/@]+")


def facts_of(record: Mapping[str, Any]) -> frozenset[str]:
    """Return which of the eight facts a record carries; empty values do not count."""
    found: set[str] = set()
    for parent, name, value in _leaves(record):
        names = {name, f"{parent}_{name}" if parent else name}
        found |= {fact for fact, aliases in ALIASES.items() if aliases & names}
        if _tells_error_type(parent, name, value):
            found.add("error type")
    return frozenset(found)


def missing_facts(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the facts that a record lacks, in their usual order."""
    found = facts_of(record)
    return tuple(fact for fact in ALIASES if fact not in found)


def key_name(key: Any) -> str:
    """Return a key as the alias table has it: `excType`, `exc.type` and `exc-type` are `exc_type`."""
    return _SEPARATOR.sub("_", _CAMEL.sub("_", str(key))).strip("_").lower()


def _leaves(record: Mapping[str, Any], parent: str = "", depth: int = 0) -> Iterator[tuple[str, str, Any]]:
    for key, value in record.items():
        name = key_name(key)
        if isinstance(value, Mapping) and value and depth < DEEPEST:
            yield from _leaves(value, name, depth + 1)
        elif value not in {None, ""} if isinstance(value, str | None) else bool(value) or value == 0:
            yield parent, name, value


def _tells_error_type(parent: str, name: str, value: Any) -> bool:
    if parent in _ERROR_PARENTS and name in {"type", "class", "kind", "name", "code"}:
        return True
    return name in _ERROR_PARENTS and isinstance(value, str) and _ERROR_CLASS.search(value) is not None
