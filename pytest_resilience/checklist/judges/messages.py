"""Item 9: a message of an error lets a person act, and gives no secret away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.expectations.log_levels import WARNING, level_in, level_of, parse_line, record_of
from pytest_resilience.chaos.run.given_away import given_away
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import fault_name, missing_proof, never_returned, worked
from pytest_resilience.checklist.records.log_lines import SAY_WHERE, unread_errors
from pytest_resilience.checklist.records.message_facts import FACTS, facts_in
from pytest_resilience.checklist.records.tracebacks import tracebacks
from pytest_resilience.checklist.thresholds import MESSAGE_FACTS, MESSAGE_FACTS_TOO_FEW
from pytest_resilience.checklist.verdict import Evidence

ITEM = "messages"
_TEMPLATE = (
    "say: <what failed> <where>: <why, with errno, SQLSTATE or status>; <what to do now> (<an identifier>)"
)
REDACT = "redact at one place that all output passes: messages, causes, tracebacks, URLs, parameters, DETAIL"

_EMPTY_WORDS = re.compile(
    r"(?:[\w.]+(?:error|exception)?: )?(?:an? |some |the )?(?:unexpected |unknown |internal |general )?"
    r"(?:error|failure|exception|problem)(?: has| have)?(?: occurred| happened)?[.!]*"
    r"|(?:oops[,!. ]*)?something went wrong[.!]*|(?:it |operation |request )?failed[.!]*|oops[.!]*",
    re.IGNORECASE,
)
"""What says nothing, however much is logged beside it: a person reads the message first."""
_MESSAGE_KEYS = ("message", "msg", "event", "error_message", "error")


@dataclass(frozen=True, slots=True)
class _Message:
    """What was told at one place: its own words, and its text with the fields and causes that stand beside them."""

    words: Sequence[str]
    text: str
    record: Mapping[str, Any] | None = None

    @property
    def facts(self) -> frozenset[str]:
        return facts_in(self.text, self.record)


def judge(
    run: RunRecord,
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    service: str,
    canaries: Mapping[str, str] | None = None,
    replay: str = "",
) -> Evidence:
    """Return how much one fault's messages tell, and whether they tell too much.

    Args:
        run: under one fault.
        clean: the undisturbed run.
        workload: the code under test.
        service: the one that failed.
        canaries: what must stand nowhere besides what is planted in every run, by what it is; the values are shown
            nowhere.
        replay: tries it again.
    """
    name = fault_name(run.faults[0]) if run.faults else "no fault"
    case = Case(item=ITEM, subject=subject_of(workload.name, service, name), replay=replay)
    if leaked := next(chain(run.given_away, given_away(run, canaries or {})), None):
        return case.failed(f"the {leaked[0]} stands in {leaked[1]}", REDACT)
    if missing := missing_proof(run, service=service, clean=clean):
        return case.unproven(*missing)
    found = list(_messages(run))
    if not found:
        return _silent(case, run)
    spoken = [words.strip() for message in found for words in message.words if words.strip()]
    if spoken and all(_EMPTY_WORDS.fullmatch(words) for words in spoken):
        return case.failed(f"all that is said is {spoken[0]!r}, whatever stands beside it", _TEMPLATE)
    return _say(case, max((message.facts for message in found), key=len))


def _silent(case: Case, run: RunRecord) -> Evidence:
    if worked(run):
        return case.not_applicable("the fault was survived, and nobody was told anything")
    if missing := never_returned(run):
        return case.unproven(*missing)
    return case.failed(
        "the fault left no message: no exception, no error record, nothing on stderr",
        SAY_WHERE if unread_errors(run) else "raise or log an error; " + _TEMPLATE,
    )


def _say(case: Case, found: frozenset[str]) -> Evidence:
    lacks = ", ".join(fact for fact in FACTS if fact not in found)
    told = f"the best message tells {len(found)} of 5; it lacks {lacks}"
    if len(found) >= MESSAGE_FACTS:
        return case.passed(*([f"the message lacks {lacks}"] if lacks else []))
    if len(found) <= MESSAGE_FACTS_TOO_FEW:
        return case.failed(told, _TEMPLATE)
    return case.unproven(f"{told}: too little to act on surely", f"add {lacks}; {_TEMPLATE}")


def _messages(run: RunRecord) -> Iterator[_Message]:
    since = run.first_receipt or 0.0
    for line in run.logs:
        if line.at >= since and level_in(line) >= WARNING:
            record = record_of(line)
            yield _Message(_own_words(line.text, record), _own_text(line.text, record), record)
    for call in run.calls:
        if call.outcome == "raised" or (call.outcome.isdigit() and call.outcome >= "400"):
            yield _Message([call.message], _with_causes(call.message, call.error))
    for process in run.processes:
        if found := tracebacks(process.stderr):
            last = found[-1]
            yield _Message([last.last_line], _with_causes(last.last_line, last.classes))
        elif process.exit_code not in {None, 0} and (said := _unlogged(process.stderr)):
            yield _Message([said], said[-2000:])


def _own_words(text: str, record: Mapping[str, Any] | None) -> Sequence[str]:
    """Return what a log line says, without the fields that stand beside it: loguru has it a mapping further in."""
    for mapping in _mappings(record or {}):
        if said := [word for key in _MESSAGE_KEYS if isinstance(word := mapping.get(key), str) and word]:
            return said
    return [text]


def _mappings(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield record
    for value in record.values():
        if isinstance(value, Mapping):
            yield from _mappings(value)


def _unlogged(stderr: str) -> str:
    """Return what a process said outside its log, whose records are read one by one."""
    return "\n".join(line for line in stderr.splitlines() if not level_of(parse_line(line) or {})).strip()


def _own_text(text: str, record: Mapping[str, Any] | None) -> str:
    """Return what a record says in words: its strings, without its keys, its time and its trace."""
    if record is None:
        return text
    return " ; ".join(value for value in _strings(record) if "Traceback (most recent" not in value)


def _strings(record: Mapping[str, Any]) -> Iterator[str]:
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _strings(value)
        elif isinstance(value, str | int | float) and str(key).lower() not in {
            "timestamp",
            "ts",
            "time",
            "@timestamp",
        }:
            yield value if isinstance(value, str) else f"{key} {value}"
        elif isinstance(value, list):
            yield from (text for one in value if isinstance(one, Mapping) for text in _strings(one))


def _with_causes(message: str, classes: Sequence[str]) -> str:
    return message if len(classes) < 2 else f"{message} (because of {', '.join(classes[1:])})"
