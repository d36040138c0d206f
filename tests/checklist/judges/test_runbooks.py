"""Item 10 from files: runbooks that cover, resolve and were drilled, and those that only exist."""

from __future__ import annotations

import pytest
from seen_runs import run

from pytest_resilience.chaos.configuration.model import AlertRule
from pytest_resilience.chaos.run.record import AlertRecord
from pytest_resilience.checklist.judges import runbooks
from pytest_resilience.checklist.judges.runbooks import Drilled, alert_classes, unknown_commands
from pytest_resilience.checklist.records.runbooks import read_runbook

GOOD = """---
title: Warehouse
covers: [warehouse, "CRITICAL/*"]  # all that pages
---
# The warehouse is lost

See [the tables](tables.sql), [below](#steps-to-recover) and <https://example.org>.

## Symptom
Alerts CRITICAL/database.

## Check
`[no](link.md)` in code is none.

```bash
psql -c 'select 1'  # [nor](this.md)
```

## Steps to recover
### First
```bash drill
export A=1
B=2 true \\
  --all
python -m jobs.resume || exit 1
```

## Verify
One row a key.
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with one good runbook, and what it links to."""
    (tmp_path / "tables.sql").touch()
    (tmp_path / "notes.md").write_text("# No front matter\n")
    (tmp_path / "warehouse.md").write_text(GOOD)
    return tmp_path


def test_pages_without_front_matter_are_named(tmp_path):
    """There are pages, and none says what it is for: the reader is told which, not that there are none."""
    (tmp_path / "labs.md").write_text("# Labs\n## Symptom\nNo scores.\n")

    ((outcome, why),) = judged(tmp_path)

    assert outcome == "failed"
    assert "labs.md" in why


def judged(folder, *, services=("warehouse",), classes=(), drilled=(), why_no_drills=""):
    """Return the outcomes and reasons."""
    found = runbooks.judge(
        folder, services=services, alert_classes=classes, drilled=drilled, why_no_drills=why_no_drills
    )
    return [(one.outcome, one.why) for one in found]


def rewrite(folder, before, after):
    """Change the good runbook."""
    assert before in GOOD
    (folder / "warehouse.md").write_text(GOOD.replace(before, after))


def test_a_drilled_runbook_passes(folder):
    """Complete, linked, drilled, for a service and for an alert class."""
    drilled = [Drilled(path=folder / "warehouse.md", restored=True)]

    assert judged(folder, classes=["CRITICAL/database"], drilled=drilled) == [("passed", "")] * 2


def test_it_is_read(folder):
    """Covers, sections, the drill alone of all blocks, anchors."""
    book = read_runbook(folder / "warehouse.md")

    assert book.covers == ("warehouse", "CRITICAL/*")
    assert [(drill.line, drill.script.splitlines()[0]) for drill in book.drills] == [(21, "export A=1")]
    assert [target for _, target in book.links] == ["tables.sql", "#steps-to-recover"]
    assert "One row a key." in book.sections["verify"]


@pytest.mark.parametrize(
    "covers", ["covers:\n  - warehouse\n  - labs # too\nowner: x", "covers: warehouse, labs"]
)
def test_covers_may_be_written_as_a_list(folder, covers):
    """Block lists and plain names are read too."""
    rewrite(folder, 'covers: [warehouse, "CRITICAL/*"]  # all that pages', covers)

    assert read_runbook(folder / "warehouse.md").covers == ("warehouse", "labs")


@pytest.mark.parametrize(("drills", "fix"), [(False, "set drills = true"), (True, "run the whole checklist")])
def test_existence_proves_nothing(folder, drills, fix):
    """Undrilled steps are unproven; where drills are on and this one was left out, that is not the remedy."""
    (found,) = runbooks.judge(folder, services=["warehouse"], drills=drills)

    assert found.outcome == "unproven"
    assert fix in found.fix


def test_drills_that_may_not_be_run_are_told(folder):
    """Where a backend forbids them the reason stands in the verdict; one that was run counts as ever."""
    drilled = [Drilled(path=folder / "warehouse.md", restored=True)]

    assert judged(folder, why_no_drills="not ours") == [("unproven", "not ours")]
    assert judged(folder, drilled=drilled, why_no_drills="not ours") == [("passed", "")]


def test_a_reason_stands_in_for_a_drill(folder):
    """A runbook without drill says why it cannot have one."""
    rewrite(folder, "bash drill", "bash")
    assert judged(folder)[0][0] == "unproven"
    rewrite(
        folder,
        "bash drill",
        "bash\n```\nIt cannot be drilled because the\nvendor restores the disk. Ask them.\n\n"
        "## More\nIt is theirs.\n```bash",
    )

    (found,) = runbooks.judge(folder, services=["warehouse"])

    assert found.outcome == "passed"
    assert found.warnings[0] == "not drilled: cannot be drilled because the vendor restores the disk"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("warehouse, ", "other, ", "no runbook covers warehouse; covered are CRITICAL/*, other"),
        ("## Verify\nOne row a key.", "", "no text under Verify"),
        ("Alerts CRITICAL/database.", "", "no text under Symptom"),
        ("(tables.sql)", "(gone.sql)", "warehouse.md:7: the link gone.sql is dead"),
        ("(#steps-to-recover)", "(#steps)", "there is no heading #steps"),
        ("(tables.sql)", "(notes.md#what)", "has no heading #what"),
        ("(tables.sql)", "(https:///x)", "names no host"),
        ("python -m jobs.resume", "pyhton -m jobs.resume", "the command 'pyhton' is not known"),
    ],
)
def test_incomplete_runbooks_fail(folder, before, after, why):
    """Not covered, a section missing or empty, a dead link, an unknown command."""
    rewrite(folder, before, after)
    ((outcome, told),) = judged(folder)

    assert (outcome, why in told) == ("failed", True)


def test_a_command_beside_this_python_is_known_without_the_path(folder, monkeypatch):
    """There a drill looks first: an environment need not be activated."""
    drilled = [Drilled(path=folder / "warehouse.md", restored=True, why="")]
    (folder / "empty").mkdir()
    monkeypatch.setenv("PATH", str(folder / "empty"))

    assert not [why for _, why in judged(folder, drilled=drilled) if "command 'python'" in why]


def test_a_drill_that_does_not_restore_fails(folder):
    """The steps ran, the steady state did not come back."""
    drilled = [Drilled(path=folder / "warehouse.md", restored=False, why="select 1: connection refused")]

    assert judged(folder, drilled=drilled)[0][0] == "failed"


def test_missing_runbooks_fail(tmp_path):
    """No folder, an empty one, Markdown that covers nothing."""
    (tmp_path / "notes.md").write_text("# No front matter\n")

    assert [judged(where)[0][0] for where in (None, tmp_path / "none", tmp_path)] == ["failed"] * 3


def test_nothing_to_cover_is_unproven(folder):
    """Without a declared service there is nothing to look for."""
    assert judged(folder, services=())[0][0] == "unproven"


def test_alert_classes_are_those_seen_and_declared():
    """PagerDuty's severity is the policy's; details that say it themselves win."""
    events = [
        {"payload": {"severity": "critical", "component": "database"}},
        {"payload": {"severity": "error", "component": "api", "custom_details": {"severity": "CRITICAL"}}},
        {"payload": {"severity": "error"}},
        {"event_action": "resolve"},
    ]
    seen = run(alerts=tuple(AlertRecord(at=1.0, channel="pagerduty", body=event) for event in events))
    rules = [AlertRule(severity="high", component="labs")]

    assert alert_classes([seen], rules) == ("CRITICAL/api", "CRITICAL/database", "HIGH/labs")


@pytest.mark.parametrize(
    ("script", "unknown"),
    [
        ("echo hi\ncd /tmp && ls", []),
        ("nonsense-command --x", ["nonsense-command"]),
        ("A=1 nonsense-command", ["nonsense-command"]),
        ("heal() {\n  true\n}\nheal", []),
        ("$TOOL go\n./run.sh\n# words only\n'open", []),
        ("if true; then\n  true\nfi", []),
    ],
)
def test_unknown_commands_are_found_without_running_them(script, unknown):
    """What the shell or the path knows, functions, variables and paths are let be."""
    assert list(unknown_commands(script)) == unknown
