"""Read runbooks: Markdown with `covers` in its front matter, four sections, links, and steps that a drill runs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

SECTIONS = ("symptom", "check", "steps", "verify")
DRILL = "drill"

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_COVERS = re.compile(r"^covers:[ \t]*(.*)$", re.MULTILINE)
_ITEM = re.compile(r"[ \t]*-[ \t]+(.+)")
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})[ \t]*(.*)$")
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'(][^)]*)?\)")
_REFERENCE = re.compile(r"^[ \t]{0,3}\[[^\]]+\]:[ \t]*<?(\S+?)>?(?:[ \t]|$)")
_CODE = re.compile(r"`[^`]*`")
_CANNOT = re.compile(
    r"\b(?:cannot|can't|can not|must not|never)\s+be\s+(?:drilled|rehearsed|run in a drill|executed|automated)\b"
    r"[^.\n]*?(?:\b(?:because|since|as|for)\b|[:;,-])\s*(\w+(?:\W+\w+){2,})",
    re.IGNORECASE,
)

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def path_of_steps(path: str | None) -> str:
    """Return where the commands of a drill are looked for: beside this Python first, then as `PATH` says."""
    return os.pathsep.join([str(Path(sys.executable).parent), path or os.defpath])


@dataclass(frozen=True, slots=True)
class Drill:
    """One fenced block that a drill runs: where it stands, and its script."""

    line: int
    script: str


@dataclass(frozen=True, slots=True)
class Runbook:
    """One runbook as it was read.

    Args:
        path: its file.
        covers: services and alert classes (`CRITICAL/database`, `CRITICAL/*`) that it is for.
        sections: text by heading, in lower case; one word of `SECTIONS` where the heading begins with it.
        anchors: of its headings.
        links: where they lead, with their lines.
        drills: its steps that a drill runs.
        undrilled: why it cannot be drilled, in its own words; empty where it does not say.
    """

    path: Path
    covers: tuple[str, ...]
    sections: Mapping[str, str]
    anchors: frozenset[str]
    links: tuple[tuple[int, str], ...]
    drills: tuple[Drill, ...]
    undrilled: str = ""


def read_runbooks(folder: Path) -> tuple[Runbook, ...]:
    """Return the runbooks of a folder, in the order of their paths; Markdown without `covers` is none."""
    read = [read_runbook(path) for path in sorted(folder.rglob("*.md")) if path.is_file()]
    return tuple(runbook for runbook in read if runbook.covers)


def read_runbook(path: Path) -> Runbook:
    """Read one file."""
    text = path.read_text(encoding="utf-8-sig", errors="replace").replace("\r\n", "\n")
    lines = text.split("\n")
    prose = list(_prose(lines))
    front = _FRONT.match(text)
    return Runbook(
        path=path,
        covers=_covers(front[1]) if front else (),
        sections=_sections(lines),
        anchors=frozenset(_anchors(prose)),
        links=tuple((number, target) for number, line in prose for target in _targets(line)),
        drills=tuple(_drills(lines)),
        undrilled=_undrilled(line for _, line in prose),
    )


def _undrilled(lines: Iterable[str]) -> str:
    """Return why it cannot be drilled: the rest of the one sentence that says so."""
    paragraphs = "\n".join("" if _HEADING.match(line) else line.strip() for line in lines).split("\n\n")
    sentences = (part for text in paragraphs for part in _SENTENCE_END.split(" ".join(text.split())))
    found = next(filter(None, map(_CANNOT.search, sentences)), None)
    return "" if found is None else found[0].strip()


def dead_link(runbook: Runbook, target: str) -> str | None:
    """Return why a link leads nowhere, or none; addresses in the network are read, never asked."""
    if target.startswith("#"):
        known = unquote(target[1:]).lower() in runbook.anchors
        return None if known else f"there is no heading {target}"
    address = urlsplit(target)
    if address.scheme in {"http", "https"}:
        return None if address.hostname else "the address names no host"
    if address.scheme:
        return None
    file = (runbook.path.parent / unquote(address.path)).resolve()
    if not file.exists():
        return f"there is no file {unquote(address.path)}"
    if (
        address.fragment
        and file.suffix == ".md"
        and address.fragment.lower() not in read_runbook(file).anchors
    ):
        return f"{unquote(address.path)} has no heading #{address.fragment}"
    return None


def _covers(front: str) -> tuple[str, ...]:
    """Read a flow list, a block list, or one name: all that `covers` may be."""
    found = _COVERS.search(front)
    if found is None:
        return ()
    inline = _uncommented(found[1])
    names = inline.strip("[]").split(",") if inline else _items(front[found.end() :].lstrip("\n"))
    return tuple(clean for name in names if (clean := _uncommented(name).strip("\"' \t")))


def _items(rest: str) -> Iterator[str]:
    for line in rest.split("\n"):
        item = _ITEM.fullmatch(line)
        if item is None and line.strip():
            return
        if item is not None:
            yield item[1]


def _uncommented(text: str) -> str:
    return re.sub(r"(?:^|\s)#.*$", "", text).strip()


def _blocks(lines: list[str]) -> Iterator[tuple[int, str, str | None]]:
    """Yield each line with its number and, inside a fence, the fence's info string."""
    fence, info = "", None
    for number, line in enumerate(lines, 1):
        mark = _FENCE.match(line)
        if info is None and mark is not None:
            fence, info = mark[1], mark[2].strip()
            yield number, "", info
        elif info is not None and mark is not None and mark[1].startswith(fence) and not mark[2].strip():
            fence, info = "", None
        else:
            yield number, line, info


def _prose(lines: list[str]) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line, info in _blocks(lines) if info is None)


def _sections(lines: list[str]) -> dict[str, str]:
    """Return the text below each heading; a section goes on below its own sub-headings."""
    sections: dict[str, str] = {}
    name, depth = "", 7
    for _, line, info in _blocks(lines):
        heading = _HEADING.match(line) if info is None else None
        if heading is not None and (len(heading[1]) <= depth or _section_name(heading[2]) in SECTIONS):
            name, depth = _section_name(heading[2]), len(heading[1])
            sections.setdefault(name, "")
        elif name:
            sections[name] += line + "\n"
    return sections


def _section_name(heading: str) -> str:
    text = heading.strip("*_` ").lower()
    stems = {"symptom": "symptom", "check": "check", "step": "steps", "verif": "verify"}
    return next((section for stem, section in stems.items() if text.startswith(stem)), text)


def _anchors(prose: list[tuple[int, str]]) -> Iterator[str]:
    """Yield headings' anchors as GitHub makes them: repeated ones are numbered."""
    seen: dict[str, int] = {}
    for _, line in prose:
        if heading := _HEADING.match(line):
            text = re.sub(r"[^\w\- ]", "", heading[2].strip().lower()).replace(" ", "-")
            count = seen.get(text, 0)
            seen[text] = count + 1
            yield f"{text}-{count}" if count else text


def _targets(line: str) -> Iterator[str]:
    text = _CODE.sub("", line)
    yield from (found[1] for found in _LINK.finditer(text))
    if reference := _REFERENCE.match(text):
        yield reference[1]


def _drills(lines: list[str]) -> Iterator[Drill]:
    start = 0
    script: list[str] = []
    for number, line, info in [*_blocks(lines), (len(lines) + 1, "", None)]:
        inside = (
            info is not None
            and info.split()[:1] in (["bash"], ["sh"], ["shell"])
            and DRILL in info.split()[1:]
        )
        if inside and not start:
            start, script = number, []
        elif inside:
            script.append(line)
        elif start:
            yield Drill(start, "\n".join(script).strip() + "\n")
            start = 0
