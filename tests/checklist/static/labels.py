"""The labelled set: small projects in one text file each, whose external calls say in a comment how they are guarded.

`=== path` begins a file. `#: unguarded retried=tenacity/exponential timeout=missing` labels the calls of its line:
the state, and where it matters by whom it is retried (`none`, or library/backoff/unbounded), the breaker, the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_resilience.checklist.static import Site, StaticReport, analyse

SET = Path(__file__).parent / "labelled"
HALVES = ("tuning", "sealed")
_LABEL = re.compile(r"#: (?P<state>\w+)(?P<rest>.*)$")


@dataclass(frozen=True, slots=True)
class Label:
    """What a person says of the calls of one line."""

    state: str
    facts: dict[str, str] = field(default_factory=dict)

    def agrees(self, site: Site) -> bool:
        """Return whether a site is as labelled."""
        return site.state == self.state and all(
            _fact(site, name, value) for name, value in self.facts.items()
        )


def _fact(site: Site, name: str, value: str) -> bool:
    if name == "timeout":
        return site.timeout == value
    if name == "breaker":
        return (site.breaker or "none") == value
    if site.retried is None:
        return value == "none"
    by, _, rest = value.partition("/")
    backoff, _, unbounded = rest.partition("/")
    retried = site.retried
    return retried.by == by and backoff in {"", retried.backoff} and (not unbounded or not retried.bounded)


@dataclass(slots=True)
class Score:
    """How well a report agrees with the labels.

    Args:
        labels: labelled lines.
        sites: calls that were found.
        right: calls that are as labelled.
        missed: labelled lines that no call was found in, or not as labelled.
        false: calls that are not labelled, or not as labelled.
        lines: lines of code.
    """

    labels: int = 0
    sites: int = 0
    right: int = 0
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    lines: int = 0

    @property
    def recall(self) -> float:
        """The part of the labelled lines that was found as labelled."""
        return 1 - len(self.missed) / self.labels if self.labels else 0.0

    @property
    def precision(self) -> float:
        """The part of what was found that is as labelled."""
        return self.right / self.sites if self.sites else 0.0


def projects(half: str) -> list[Path]:
    """Return the files of one half."""
    return sorted((SET / half).glob("*.project"))


def unpack(project: Path, folder: Path) -> dict[tuple[str, int], Label]:
    """Write the files of a project to a folder; return their labels by path and line."""
    labels: dict[tuple[str, int], Label] = {}
    for name, text in _files(project.read_text(encoding="utf-8")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            found = _LABEL.search(line)
            if found is not None:
                facts = dict(word.split("=", 1) for word in found["rest"].split())
                labels[name, number] = Label(found["state"], facts)
    return labels


def _files(text: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        name, _, content = part.partition("\n")
        yield name.strip(), content


def score(half: str, folder: Path) -> Score:
    """Analyse every project of one half, and compare."""
    total = Score()
    for project in projects(half):
        labels = unpack(project, folder / project.stem)
        _compare(project.stem, analyse(folder / project.stem), labels, total)
    return total


def _compare(name: str, report: StaticReport, labels: dict[tuple[str, int], Label], total: Score) -> None:
    wrong: dict[tuple[str, int], str] = {}
    seen: set[tuple[str, int]] = set()
    for site in report.sites:
        key = (site.place.path, site.place.line)
        seen.add(key)
        label = labels.get(key)
        if label is not None and label.agrees(site):
            total.right += 1
        else:
            wrong[key] = (
                f"{name}: {site.place.subject} {site.sink}: {site.state}, {site.retried}, {site.breaker}, "
            )
            wrong[key] += f"{site.timeout}; labelled {label}"
            total.false.append(wrong[key])
    total.missed += [
        wrong.get(k, f"{name}: {k[0]}:{k[1]} {v}") for k, v in labels.items() if k not in seen or k in wrong
    ]
    total.labels += len(labels)
    total.sites += len(report.sites)
    total.lines += report.coverage.lines
