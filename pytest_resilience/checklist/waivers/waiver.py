"""A waiver as data, and what it covers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from pytest_resilience.checklist.verdict import OPEN, Evidence, Verdict, WaiverNote

LONGEST = 90
"""Days ahead that a waiver may expire, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One waiver.

    Args:
        item: the id of the item.
        reason: why the finding is accepted for now.
        owner: who answers for it.
        approver: who agreed, another than the owner.
        expires: the last day on which it holds.
        subject: what it covers, as the evidence names it; `*` stands for any text, `?` for one character.
            Without one it covers the whole item.
        place: `file:line`, for messages.
    """

    item: str
    reason: str
    owner: str
    approver: str
    expires: date
    subject: str | None = None
    place: str = ""

    def covers(self, subject: str | None) -> bool:
        """Say whether it covers a subject of its item; none is the item as a whole."""
        if self.subject is None or subject is None:
            return self.subject is None
        pattern = self.subject.replace("[", "[[]")  # an id such as test_x[1] means itself
        return self.subject == subject or fnmatchcase(subject, pattern)

    def is_expired(self, today: date) -> bool:
        """Say whether its last day is over."""
        return self.expires < today

    def note(self) -> WaiverNote:
        """Return what a report shows of it."""
        return WaiverNote(
            reason=self.reason,
            owner=self.owner,
            approver=self.approver,
            expires=self.expires.isoformat(),
            subject=self.subject,
        )

    def __str__(self) -> str:
        about = self.item if self.subject is None else f"{self.item}, {self.subject}"
        return f"the waiver of {about} at {self.place}" if self.place else f"the waiver of {about}"


def covering(waivers: Iterable[Waiver], evidence: Iterable[Evidence], *, today: date) -> Waiver | None:
    """Return the first of the valid waivers that cover all that failed or is unproven; none where one does not."""
    valid = [waiver for waiver in waivers if not waiver.is_expired(today)]
    covers = [
        next((waiver for waiver in valid if waiver.item == each.item and waiver.covers(each.subject)), None)
        for each in evidence
        if each.outcome in OPEN
    ]
    return covers[0] if covers and None not in covers else None


def unused(waivers: Iterable[Waiver], verdicts: Iterable[Verdict], *, today: date) -> tuple[Waiver, ...]:
    """Return the valid waivers that cover nothing which failed or is unproven: they can be removed."""
    by_item = {verdict.item: verdict for verdict in verdicts}
    return tuple(
        waiver
        for waiver in waivers
        if not waiver.is_expired(today) and not _is_used(waiver, by_item.get(waiver.item))
    )


def _is_used(waiver: Waiver, verdict: Verdict | None) -> bool:
    if verdict is None or verdict.word in {"passed", "not-applicable"}:
        return False
    open_subjects = [each.subject for each in verdict.evidence if each.outcome in OPEN]
    return waiver.subject is None or any(waiver.covers(subject) for subject in open_subjects)
