"""attestation.json: an unsigned in-toto statement on a commit that went through the gate; what speaks against one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.report.model import Report
from pytest_resilience.report.printable import printable
from pytest_resilience.report.result import names, result

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
REPORT_NAME = "report.json"
CLOCKS_DIFFER = timedelta(minutes=5)
"""How far in the future a time may be that another machine's clock wrote."""
COVERAGE = ("points", "exercised", "survived")
MINUTE, HOUR, DAY = 60, 3600, 86_400
"""Seconds."""
_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def to_statement(report: Report, report_text: str, *, url: str | None = None) -> dict[str, Any] | None:
    """Return the statement; none for a shard, a run without the checklist, a dirty tree, or without git.

    Args:
        report: what was judged.
        report_text: the content of report.json, whose digest the statement has.
        url: where this run can be seen.
    """
    is_whole = report.shard is None and report.gate.asked
    if not is_whole or report.dirty is not False or not _FULL.fullmatch(report.commit or ""):
        return None
    predicate = {
        "result": result(report),
        "configuration": _configuration(report, report_text),
        **({"url": url} if url else {}),
        "passedTests": names(report, "PASSED"),
        "warnedTests": names(report, "WARNED"),
        "failedTests": names(report, "FAILED"),
    }
    subject = {"name": "git commit", "digest": {"gitCommit": report.commit}}
    return {"_type": STATEMENT, "subject": [subject], "predicateType": PREDICATE, "predicate": predicate}


def _configuration(report: Report, report_text: str) -> list[dict[str, Any]]:
    skipped = [verdict.item for verdict in report.items if verdict.word == "not-applicable"]
    annotations = {
        "started": report.started,
        "seed": report.seed,
        "timeScale": report.time_scale,
        "notApplicable": skipped,
        "faultPoints": {each: getattr(report.coverage, each) for each in COVERAGE},
    }
    digest = hashlib.sha256(report_text.encode()).hexdigest()
    descriptors = [{"name": REPORT_NAME, "digest": {"sha256": digest}, "annotations": annotations}]
    declared = (report.configuration or "").removeprefix("sha256:")
    if re.fullmatch(r"[0-9a-f]{64}", declared):
        descriptors.append({"name": "[tool.resilience]", "digest": {"sha256": declared}})
    return descriptors


def objections(
    text: str, *, commit: str, max_age: timedelta, now: datetime, strict: bool = False
) -> tuple[str, ...]:
    """Return why a deploy must not rely on an attestation; empty where it may.

    Args:
        text: the file's content. Its signature, if any, is checked by the tool that made it.
        commit: the full hash of the commit that is to be deployed.
        max_age: how long ago the run may have begun.
        now: the time, with its offset.
        strict: refuse waivers and warnings too.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        return (f"it is not JSON: {error}",)
    if not isinstance(data, Mapping):
        return (f"it is not a statement: it is a JSON {type(data).__name__}",)
    if "payload" in data or "dsseEnvelope" in data:
        return ("it is a signed envelope: check its signature first, and pass the statement that is inside",)
    predicate = data.get("predicate")
    if (
        data.get("_type") != STATEMENT
        or data.get("predicateType") != PREDICATE
        or not isinstance(predicate, Mapping)
    ):
        return (f"it is not a statement {STATEMENT} with predicate {PREDICATE}",)
    return (
        *_of_commit(data.get("subject"), commit),
        *_of_result(predicate, strict=strict),
        *_of_age(_started(predicate), max_age, now),
    )


def _of_commit(subject: Any, commit: str) -> Iterator[str]:
    wanted = commit.strip().lower()
    if not _FULL.fullmatch(wanted):
        yield (
            f"--commit is {commit!r}: give the full hash (40 or 64 digits), which `git rev-parse HEAD` prints; "
            "a name or a short hash may mean several commits"
        )
        return
    if not isinstance(subject, list) or len(subject) != 1:
        yield "it has to have exactly one subject, the commit"
        return
    digest = subject[0].get("digest") if isinstance(subject[0], Mapping) else None
    found = digest.get("gitCommit") if isinstance(digest, Mapping) else None
    if not isinstance(found, str) or found.lower() != wanted:
        yield f"it is about commit {found}, not {wanted}: run the gate on the commit that is deployed"


def _of_result(predicate: Mapping[str, Any], *, strict: bool) -> Iterator[str]:
    word = predicate.get("result")
    passed, warned, failed = (
        _texts(predicate.get(f"{each}Tests")) for each in ("passed", "warned", "failed")
    )
    if word not in {"PASSED", "WARNED"} or failed:
        yield f"its result is {word}, failed: {', '.join(failed) or 'not said'}"
    elif strict and (word == "WARNED" or warned):
        yield f"it has waivers or warnings: {', '.join(warned) or 'not said'}"
    skipped = _texts(_annotations(predicate).get("notApplicable"))
    missing = [item.id for item in ITEMS if item.id not in {*passed, *warned, *failed, *skipped}]
    if missing:
        yield f"it says nothing of {', '.join(missing)}"
    elif not passed and not warned:
        yield "nothing was proven: no item passed"


def _of_age(started: datetime | None, max_age: timedelta, now: datetime) -> Iterator[str]:
    if started is None:
        yield "it does not say when the run began, with an offset from UTC"
    elif started > now + CLOCKS_DIFFER:
        began, is_now = (each.isoformat(timespec="seconds") for each in (started, now))
        yield f"it is from the future: {began}, and now is {is_now}"
    elif now - started > max_age:
        began = started.isoformat(timespec="seconds")
        age, most = in_words(now - started), in_words(max_age)
        yield f"it is {age} old (from {began}), and may be {most} old: run the gate again"


def in_words(age: timedelta) -> str:
    """Return an age as people say it, rounded down: `50 min`, `3 h`, `9 days`."""
    seconds = max(0, int(age.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < 2 * HOUR:
        return f"{seconds // MINUTE} min"
    return f"{seconds // HOUR} h" if seconds < 2 * DAY else f"{seconds // DAY} days"


def told(text: str, *, commit: str, now: datetime) -> str:
    """Return what an attestation that nothing speaks against says, in a sentence.

    Args:
        text: the file's content, for which `objections` found none.
        commit: the full hash of the commit that is to be deployed.
        now: the time, with its offset.
    """
    predicate = json.loads(text)["predicate"]
    warned = _texts(predicate.get("warnedTests"))
    started = _started(predicate)
    parts = [f"the gate passed for commit {commit.strip().lower()}"]
    if warned or predicate.get("result") == "WARNED":
        items = f"{len(warned)} item{'' if len(warned) == 1 else 's'}"
        parts.append(
            f"with warnings or waivers in {items} ({printable(', '.join(warned)) or 'not said which'})"
        )
    parts += [f"{in_words(now - started)} old"] if started else []
    return ", ".join([*parts, *_points(_annotations(predicate).get("faultPoints"))])


def _points(found: Any) -> list[str]:
    """Return how much was explored; nothing where an older attestation does not say."""
    numbers = [found.get(each) for each in COVERAGE] if isinstance(found, Mapping) else []
    if not numbers or not all(isinstance(each, int) for each in numbers):
        return []
    points, exercised, survived = numbers
    return [f"{survived} survived of {exercised} exercised of {points} fault points"]


def _started(predicate: Mapping[str, Any]) -> datetime | None:
    try:
        started = datetime.fromisoformat(_annotations(predicate)["started"])
    except (KeyError, ValueError, TypeError):
        return None
    return started if started.tzinfo is not None else None


def _annotations(predicate: Mapping[str, Any]) -> Mapping[str, Any]:
    configuration = predicate.get("configuration")
    for each in configuration if isinstance(configuration, list) else []:
        if isinstance(each, Mapping) and each.get("name") == REPORT_NAME:
            found = each.get("annotations")
            return found if isinstance(found, Mapping) else {}
    return {}


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
