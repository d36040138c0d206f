"""The case that a judge decides: which item, about what, and how it is tried again."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_resilience.checklist.verdict import Evidence, EvidenceKind, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What all findings of one question share.

    Args:
        item: the item's id.
        subject: what it is about, see `subject_of`.
        kind: where the evidence comes from.
        replay: the command that tries exactly it again.
    """

    item: str
    subject: str
    kind: EvidenceKind = "dynamic"
    replay: str = ""

    def about(self, part: str) -> Case:
        """Return the case of one part of it."""
        return Case(item=self.item, subject=f"{self.subject} / {part}", kind=self.kind, replay=self.replay)

    def passed(self, *warnings: str) -> Evidence:
        """Say that it holds."""
        return self._say("passed", "", "", warnings)

    def failed(self, why: str, fix: str, *warnings: str) -> Evidence:
        """Say that it does not hold."""
        return self._say("failed", why, fix, warnings)

    def unproven(self, why: str, fix: str, *warnings: str) -> Evidence:
        """Say that nothing was shown."""
        return self._say("unproven", why, fix, warnings)

    def not_applicable(self, why: str) -> Evidence:
        """Say that the question does not arise."""
        return self._say("not-applicable", why, "", ())

    def _say(self, outcome: Outcome, why: str, fix: str, warnings: tuple[str, ...]) -> Evidence:
        return Evidence(
            item=self.item,
            kind=self.kind,
            subject=self.subject,
            outcome=outcome,
            why=why,
            fix=fix,
            replay=self.replay,
            warnings=warnings,
        )


def subject_of(workload: str, service: str | None = None, *parts: str) -> str:
    """Return `workload ingest / service labs / ...`."""
    return " / ".join([f"workload {workload}", *([f"service {service}"] if service else []), *parts])
