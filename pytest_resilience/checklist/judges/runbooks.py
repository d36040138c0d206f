"""Item 10: every service and alert class has a runbook that is complete, whose links resolve, and that was drilled."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_resilience.chaos.configuration.model import AlertRule
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.judges.case import Case
from pytest_resilience.checklist.records.runbooks import (
    SECTIONS,
    Runbook,
    dead_link,
    path_of_steps,
    read_runbooks,
)
from pytest_resilience.checklist.verdict import Evidence

ITEM = "runbooks"
SEVERITIES: Mapping[str, str] = {"critical": "CRITICAL", "error": "HIGH", "warning": "MEDIUM", "info": "LOW"}
"""PagerDuty's severities as the policy calls them."""

_SHELL = (
    "alias cd command echo eval exec exit export false for function if kill let local printf pwd read return set "
    "shift source test then trap true type ulimit umask unset until wait while case do done else elif fi esac . "
    ": [ [[ { } ! time select in"
)
_BUILTINS = frozenset(_SHELL.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """What a drill of one runbook came to.

    Args:
        path: the runbook.
        restored: whether its steps brought the steady state back.
        why: what was seen instead.
        replay: drills it again.
    """

    path: Path
    restored: bool
    why: str = ""
    replay: str = ""


def judge(
    folder: Path | None,
    *,
    services: Iterable[str],
    alert_classes: Iterable[str] = (),
    drilled: Sequence[Drilled] = (),
    drills: bool = False,
    why_no_drills: str = "",
) -> tuple[Evidence, ...]:
    """Return what the runbooks say, and what they lack: one finding for each that has to be covered.

    Args:
        folder: where they are; none where that was not declared.
        services: declared ones.
        alert_classes: `CRITICAL/database`, seen or declared.
        drilled: which were drilled.
        drills: whether they are switched on.
        why_no_drills: why none could be; empty where they could.
    """
    needed = [*dict.fromkeys(services), *dict.fromkeys(alert_classes)]
    if not needed:
        return (
            _case("runbooks").unproven(
                "no service is declared",
                "declare services: [tool.resilience.services.NAME], in resilience.toml [services.NAME]",
            ),
        )
    runbooks = read_runbooks(folder) if folder is not None and folder.is_dir() else ()
    if not runbooks:
        where = _no_runbook(folder) if folder is not None else "no folder `runbooks` is declared"
        fix = "write one Markdown file a service: front matter `covers: [...]`, sections " + _titles(SECTIONS)
        return (_case("runbooks").failed(where, fix),)
    why_not = _why_not_drilled(why_no_drills, drills=drills)
    return tuple(_judge_one(name, runbooks, drilled, why_not) for name in needed)


def _no_runbook(folder: Path) -> str:
    pages = sorted(page.name for page in folder.rglob("*.md"))
    if not pages:
        return f"there is no runbook in {folder}"
    return f"no page in {folder} says in its front matter what it covers: {', '.join(pages)}"


def alert_classes(runs: Iterable[RunRecord], rules: Iterable[AlertRule] = ()) -> tuple[str, ...]:
    """Return the classes of alerts that were seen, or are declared by rules."""
    found = {f"{rule.severity.upper()}/{rule.component}" for rule in rules}
    for alert in (alert for run in runs for alert in run.alerts if alert.channel == "pagerduty"):
        payload = alert.body.get("payload")
        if isinstance(payload, Mapping) and payload.get("component"):
            details = payload.get("custom_details")
            own = details.get("severity") if isinstance(details, Mapping) else None
            severity = str(own).upper() if own else SEVERITIES.get(str(payload.get("severity")), "")
            if severity:
                found.add(f"{severity}/{payload['component']}")
    return tuple(sorted(found))


def _judge_one(
    name: str, runbooks: Sequence[Runbook], drilled: Sequence[Drilled], why_not: tuple[str, str]
) -> Evidence:
    covering = [book for book in runbooks if any(fnmatchcase(name, pattern) for pattern in book.covers)]
    if not covering:
        known = ", ".join(sorted({cover for book in runbooks for cover in book.covers}))
        return _case(name).failed(
            f"no runbook covers {name}; covered are {known}", f"write one with covers: [{name}]"
        )
    book = covering[0]
    case = _case(f"{name} / {book.path.name}")
    for finding in _findings(book):
        return case.failed(*finding)
    drill = next((drill for drill in drilled if drill.path == book.path), None)
    if drill is None and book.drills:
        return case.unproven(*why_not)
    return _judge_drill(case, book, drill)


def _why_not_drilled(why_no_drills: str, *, drills: bool) -> tuple[str, str]:
    """Return why steps that are there were not run, and what to do."""
    if why_no_drills:
        return why_no_drills, "run the checklist with --chaos-backend=embedded, or =docker"
    if not drills:
        return (
            "it has steps for a drill, and drills are switched off",
            "set drills = true in [tool.resilience] or resilience.toml",
        )
    return "it has steps for a drill, and was not drilled", "run the whole checklist"


def _findings(book: Runbook) -> Iterator[tuple[str, str]]:
    lacks = [section for section in SECTIONS if not book.sections.get(section, "").strip()]
    if lacks:
        yield f"{book.path.name} has no text under {_titles(lacks)}", f"write {_titles(lacks)}"
    for line, target in book.links:
        if why := dead_link(book, target):
            yield (
                f"{book.path.name}:{line}: the link {target} is dead: {why}",
                "correct the link, or what it leads to",
            )
    for drill in book.drills:
        for command in unknown_commands(drill.script):
            yield (
                f"{book.path.name}:{drill.line}: the command {command!r} is not known here",
                "correct the command, or install it where the gate runs",
            )


def _judge_drill(case: Case, book: Runbook, drill: Drilled | None) -> Evidence:
    if drill is not None and drill.restored:
        return case.passed()
    if drill is not None:
        case = Case(item=ITEM, subject=case.subject, replay=drill.replay)
        return case.failed(f"its steps did not bring the steady state back: {drill.why}", "correct the steps")
    if not book.drills and book.undrilled:
        return case.passed(f"not drilled: {book.undrilled}")
    return case.unproven(
        "nothing in it is drilled: that it exists proves nothing",
        "tag its steps (```bash drill), or say in it: cannot be drilled because ...",
    )


def unknown_commands(script: str) -> Iterator[str]:
    """Yield the commands of a script that neither the shell nor the path knows; nothing is run."""
    own = {line.split("(")[0].strip() for line in script.splitlines() if line.rstrip().endswith("() {")}
    for line in script.replace("\\\n", " ").splitlines():
        command = _first_word(line)
        if command and command not in own | _BUILTINS and not _is_known(command):
            yield command


def _first_word(line: str) -> str | None:
    """Return a line's command, without assignments before it; none where that takes a shell to tell."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return None
    words = [word for word in words if not _assigns(word)]
    return words[0] if words and not set("$`(){}<>|&;*?") & set(words[0]) else None


def _assigns(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


def _is_known(command: str) -> bool:
    if "/" in command or command.startswith("-"):
        return True
    return shutil.which(command, path=path_of_steps(os.environ.get("PATH"))) is not None


def _case(subject: str) -> Case:
    return Case(item=ITEM, kind="document", subject=subject)


def _titles(sections: Iterable[str]) -> str:
    return ", ".join(section.capitalize() for section in sections)
