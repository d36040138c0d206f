"""Verdicts and the evidence that they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["passed", "failed", "unproven", "not-applicable"]
OPEN = frozenset({"failed", "unproven"})
"""The outcomes that stop a deploy, where no waiver covers them."""
VerdictWord: TypeAlias = Literal["passed", "failed", "unproven", "waived", "not-applicable"]
EvidenceKind: TypeAlias = Literal["static", "dynamic", "document"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One finding about one item.

    Args:
        item: the item's id.
        kind: `static` (read from the code), `dynamic` (seen in a run), `document` (runbooks).
        subject: what it is about: `workload ingest / service labs`, or `path:line`.
        outcome: what it says.
        why: what was seen, in one or two sentences; empty only where it passed.
        fix: what to do now; empty where it passed.
        replay: the command that replays exactly it; empty where there is none.
        warnings: what is not wrong enough to fail.
    """

    item: str
    kind: EvidenceKind
    subject: str
    outcome: Outcome
    why: str = ""
    fix: str = ""
    replay: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverNote:
    """The waiver that covers an item, as the report shows it."""

    reason: str
    owner: str
    approver: str
    expires: str
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is said of one item, and why.

    Args:
        item: the item's id.
        word: the verdict.
        evidence: all that it rests on.
        waiver: the first waiver that covers it.
        why: the first reason; empty only where it passed.
        fix: what to do about that reason.
        replay: the command that replays what gave it; empty where there is none.
        waivers: every waiver that covers a part of it.
    """

    item: str
    word: VerdictWord
    evidence: tuple[Evidence, ...] = ()
    waiver: WaiverNote | None = None
    why: str = ""
    fix: str = ""
    replay: str = ""
    waivers: tuple[WaiverNote, ...] = ()
