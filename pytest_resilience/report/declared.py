"""Where a project says what a finding of a run is about: the line of its declaration, its scenario or its test."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_resilience.chaos.configuration.reading import OWN_FILE, PROJECT_FILE
from pytest_resilience.report.git import below_root
from pytest_resilience.report.model import Report
from pytest_resilience.report.place import Place

_SUBJECT = re.compile(r"(workload|service) (.+?)(?= / |:|\Z)")
_HEADER = re.compile(r"^[ \t]*\[tool\.resilience[\].]", re.MULTILINE)
_SCENARIOS = re.compile(r"""^[ \t]*scenarios[ \t]*=[ \t]*["']([^"'\n]+)["']""", re.MULTILINE)


@dataclass(frozen=True)
class Declarations:
    """The configuration file of a project, as text.

    Args:
        file: where it is.
        text: what stands in it.
    """

    file: Path
    text: str

    @cached_property
    def prefix(self) -> str:
        """What comes before a path of the project where its repository is looked at as a whole, as GitHub does."""
        return below_root(self.file.parent)

    def place_of(self, subject: str) -> Place:
        """Return where a subject is declared; the file's first table where it cannot be found.

        Args:
            subject: as evidence has it: `workload ingest / service labs`, `scenario db/lost.yaml`, `test a.py::test_b`.
        """
        kind, _, name = subject.partition(" ")
        if kind == "scenario":
            found = self._first_file(f"{self._scenarios}/{name}", name)
        elif kind == "test":
            found = self._first_file(name.partition("::")[0])
        else:
            found = None
        return Place(found, 1) if found else Place(self.file.name, self._line(subject))

    @property
    def _prefix(self) -> str:
        return "tool.resilience." if self.file.name == PROJECT_FILE else ""

    @property
    def _scenarios(self) -> str:
        found = _SCENARIOS.search(self.text)
        return found[1].rstrip("/") if found else "scenarios"

    def _first_file(self, *paths: str) -> str | None:
        return next((path for path in paths if (self.file.parent / path).is_file()), None)

    def _line(self, subject: str) -> int:
        for kind, name in _SUBJECT.findall(subject):
            table = re.escape(f"{self._prefix}{kind}s.") + rf"""["']?{re.escape(name)}["']?"""
            if found := re.search(rf"^[ \t]*\[{table}\]", self.text, re.MULTILINE):
                return self._line_at(found.start())
        first = _HEADER.search(self.text) if self._prefix else None
        return self._line_at(first.start()) if first else 1

    def _line_at(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1


def declarations(report: Report, *near: Path) -> Declarations | None:
    """Return the configuration that a report was made with; none where no file has one.

    Args:
        report: its digest tells the file, where several could be meant.
        near: folders of the project; those above them are looked at too.
    """
    found = list(_candidates(near))
    digest = (report.configuration or "").removeprefix("sha256:")
    exact = (each for each in found if hashlib.sha256(each.text.encode()).hexdigest() == digest)
    return next(exact, found[0] if found else None)


def _candidates(near: tuple[Path, ...]) -> Iterator[Declarations]:
    for start in near:
        for folder in (start.absolute(), *start.absolute().parents):
            for name in (OWN_FILE, PROJECT_FILE):
                text = _text(folder / name)
                if text is not None and (name == OWN_FILE or _HEADER.search(text)):
                    yield Declarations(folder / name, text)


def _text(file: Path) -> str | None:
    try:
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
