"""Where a static finding stands: `path:line` as its subject has it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_resilience.checklist.verdict import Evidence

_PLACE = re.compile(r"(?P<path>.+?):(?P<line>[1-9]\d*)(?::(?P<column>[1-9]\d*))?")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    path: str
    line: int


def place(evidence: Evidence) -> Place | None:
    """Return where a finding stands in the code; none where it was seen in a run."""
    found = _PLACE.fullmatch(evidence.subject) if evidence.kind != "dynamic" else None
    return Place(found["path"], int(found["line"])) if found else None
