"""The gate: forms the verdict of each item from the evidence, and says whether all together let a deploy pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pytest_resilience.checklist.items import ITEMS, Item
from pytest_resilience.checklist.verdict import OPEN, Evidence, Verdict, VerdictWord
from pytest_resilience.checklist.waivers.waiver import Waiver

NEED_A_RUN = frozenset({"external-calls", "backoff", "transactions", "breakers"})
"""Items that static evidence, or a document, alone never passes."""

LETS_PASS = frozenset({"passed", "waived", "not-applicable"})
"""Verdicts that do not stop a deploy."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """One reason against an item; `subject` is none where it is about the item as a whole."""

    word: VerdictWord
    why: str
    fix: str = ""
    replay: str = ""
    subject: str | None = None
    by_waiver: bool = False


def form_verdicts(
    evidence: Sequence[Evidence],
    waivers: Sequence[Waiver] = (),
    *,
    today: date,
    left_out: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Verdict, ...]:
    """Return the verdict of every item, in the order of the checklist.

    Args:
        evidence: all findings.
        waivers: valid ones and expired ones.
        today: the day on which the waivers have to hold.
        left_out: by item, why a part of its experiments did not run (`-k`, `-m`, `-x`, the budget).

    Raises:
        ValueError: something is about an item that there is not.
    """
    left_out = left_out or {}
    _refuse_unknown([*(each.item for each in evidence), *(each.item for each in waivers), *left_out])
    return tuple(
        _verdict(
            item,
            tuple(each for each in evidence if each.item == item.id),
            [each for each in waivers if each.item == item.id],
            today,
            left_out.get(item.id, ()),
        )
        for item in ITEMS
    )


def gate_passed(verdicts: Sequence[Verdict]) -> bool:
    """Say whether a deploy may go on."""
    return not why_not(verdicts)


def why_not(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Return what stops a deploy, one reason each; empty where nothing does.

    A gate is never passed for nothing: some experiment has to have run and said something.
    """
    words = {verdict.item: verdict for verdict in verdicts}
    reasons = [f"{item.number} {item.id} has no verdict" for item in ITEMS if item.id not in words]
    reasons += [
        f"{item.number} {item.id} {words[item.id].word}: {words[item.id].why}"
        for item in ITEMS
        if item.id in words and words[item.id].word not in LETS_PASS
    ]
    if not reasons and not _anything_was_tried(verdicts):
        reasons.append(
            "nothing was proven: no experiment ran; declare services and workloads in [tool.resilience] or "
            "resilience.toml"
        )
    return tuple(reasons)


def _anything_was_tried(verdicts: Sequence[Verdict]) -> bool:
    return any(
        each.kind == "dynamic" and each.outcome in {"passed", "failed"}
        for verdict in verdicts
        for each in verdict.evidence
    )


def _refuse_unknown(items: Sequence[str]) -> None:
    known = [item.id for item in ITEMS]
    for name in items:
        if name not in known:
            raise ValueError(f"there is no checklist item {name!r}: they are {', '.join(known)}")


def _verdict(
    item: Item, evidence: tuple[Evidence, ...], waivers: list[Waiver], today: date, left_out: Sequence[str]
) -> Verdict:
    doubts = _doubts(item, evidence, waivers, today, left_out)
    if not doubts:
        return _without_doubt(item, evidence)
    valid = [waiver for waiver in waivers if not waiver.is_expired(today)]
    open_doubts = [doubt for doubt in doubts if not _is_covered(doubt, valid)]
    used = [waiver for waiver in valid if any(_is_covered(doubt, [waiver]) for doubt in doubts)]
    first = _told_first(open_doubts or doubts)
    notes = tuple(waiver.note() for waiver in used)
    return Verdict(
        item=item.id,
        word=first.word if open_doubts else "waived",
        evidence=evidence,
        waiver=notes[0] if notes else None,
        why=first.why,
        fix=first.fix,
        replay=first.replay,
        waivers=notes,
    )


def _told_first(open_doubts: list[_Doubt]) -> _Doubt:
    """Return the worst; with a waiver that expired goes what it covered: its date is not the cause."""
    first = min(open_doubts, key=lambda doubt: doubt.word != "failed")
    causes = [doubt for doubt in open_doubts if not doubt.by_waiver]
    if not first.by_waiver or not causes:
        return first
    cause = min(causes, key=lambda doubt: doubt.word != "failed")
    fix = f"{cause.fix.rstrip('.')}. Then the waiver: {first.fix}" if cause.fix else first.fix
    return replace(first, why=f"{cause.why.rstrip('.')}. And {first.why}", fix=fix, replay=cause.replay)


def _without_doubt(item: Item, evidence: tuple[Evidence, ...]) -> Verdict:
    passes = {each.kind for each in evidence if each.outcome == "passed"}
    if passes and ("dynamic" in passes or item.id not in NEED_A_RUN):
        return Verdict(item=item.id, word="passed", evidence=evidence)
    reason = next((each.why for each in evidence if each.why), "it does not apply; no reason was given")
    return Verdict(item=item.id, word="not-applicable", evidence=evidence, why=reason)


def _is_covered(doubt: _Doubt, waivers: Sequence[Waiver]) -> bool:
    return not doubt.by_waiver and any(waiver.covers(doubt.subject) for waiver in waivers)


def _doubts(
    item: Item, evidence: tuple[Evidence, ...], waivers: list[Waiver], today: date, left_out: Sequence[str]
) -> list[_Doubt]:
    expired = [_expired(waiver) for waiver in waivers if waiver.is_expired(today)]
    found = [
        _Doubt(
            each.outcome, each.why or f"{each.subject} {each.outcome}", each.fix, each.replay, each.subject
        )
        for each in evidence
        if each.outcome in OPEN
    ]
    parts = [_Doubt("unproven", reason, "run the whole checklist") for reason in left_out]
    if parts and item.id in NEED_A_RUN:
        found, read = _runs_first(found, evidence)
        parts += read
    return [*expired, *found, *parts, *_lack(item, evidence, parts)]


def _runs_first(found: list[_Doubt], evidence: tuple[Evidence, ...]) -> tuple[list[_Doubt], list[_Doubt]]:
    """Return what runs showed, and what was read alone: the runs that were left out may have decided against it."""
    read = {each.subject for each in evidence if each.kind == "static"}
    kept = [doubt for doubt in found if doubt.subject not in read]
    return kept, [replace(doubt, word="unproven") for doubt in found if doubt.subject in read]


def _expired(waiver: Waiver) -> _Doubt:
    return _Doubt(
        "failed",
        f"{waiver} expired on {waiver.expires}; {waiver.owner} owns it",
        f"remove it, or have {waiver.approver} approve a new date, at most 90 days ahead",
        by_waiver=True,
    )


def _lack(item: Item, evidence: tuple[Evidence, ...], parts: list[_Doubt]) -> list[_Doubt]:
    """Return why the evidence is too little, where nothing else says so."""
    if not evidence and not parts:
        return [
            _Doubt(
                "unproven",
                "no experiment has said anything about it",
                "declare services and workloads that it can be tried on, in [tool.resilience] or resilience.toml",
            )
        ]
    passes = [each for each in evidence if each.outcome == "passed"]
    if item.id in NEED_A_RUN and passes and not any(each.kind == "dynamic" for each in evidence):
        return [
            _Doubt(
                "unproven",
                "only read from the code, seen in no run",
                "declare a workload that reaches these calls, so that faults can be tried on it",
            )
        ]
    return []
