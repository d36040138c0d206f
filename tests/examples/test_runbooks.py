"""The runbooks of the docs are runbooks to the gate, and what they say to type works where they say it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from pytest_resilience import (
    AlertRouter,
    CheckpointManager,
    CommitMarker,
    execute_with_rollback,
    ingest_data_with_checkpoint,
)
from pytest_resilience.__main__ import main
from pytest_resilience.checklist.judges.runbooks import Drilled, judge
from pytest_resilience.checklist.records.runbooks import read_runbooks

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "runbooks"
STAYS = DOCS.parent / "scenarios" / "icu_platform" / "samples" / "icustays.csv"
RUNBOOKS = read_runbooks(FOLDER)
SQL = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:`|^\$ |^)python -m pytest_resilience ([^`\n]*)", re.MULTILINE)


def test_the_gate_takes_each_for_a_runbook() -> None:
    """Each covers something, has all four sections, its links resolve; drilled, it passes."""
    covered = sorted({cover for runbook in RUNBOOKS for cover in runbook.covers})
    drilled = [Drilled(path=runbook.path, restored=True) for runbook in RUNBOOKS]
    evidence = judge(FOLDER, services=covered, drilled=drilled)

    assert {runbook.path.name for runbook in RUNBOOKS} == {path.name for path in FOLDER.glob("*.md")}
    assert [(one.subject, one.outcome, one.why) for one in evidence if one.outcome != "passed"] == []


def test_each_is_listed() -> None:
    """The page of the procedures leads to every one."""
    text = (DOCS / "runbooks.md").read_text(encoding="utf-8")

    assert [runbook.path.name for runbook in RUNBOOKS if f"runbooks/{runbook.path.name}" not in text] == []


@pytest.fixture
def place(postgres, tmp_path, monkeypatch):
    """A folder and a database in which the procedures have been at work."""
    monkeypatch.setenv("DATABASE_URL", postgres.direct_dsn)
    monkeypatch.setenv("RESILIENCE_OUTBOX", str(tmp_path / "outbox.sqlite3"))
    monkeypatch.chdir(tmp_path)
    first, *rest = STAYS.read_text(encoding="utf-8").splitlines(keepends=True)
    Path("stays.csv").write_text(first + rest[0].replace(",", "x,", 1) + "".join(rest[1:]), encoding="utf-8")
    connection = psycopg2.connect(postgres.direct_dsn)
    execute_with_rollback(connection, ["select 1"], marker=CommitMarker(name="a unit"))
    connection.close()
    ingest_data_with_checkpoint("stays.csv", "raw.icustays")
    CheckpointManager().save_checkpoint("score-stays", {"done": 1})
    AlertRouter().route_alert("CRITICAL", "database", "No connection")
    return tmp_path


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda runbook: runbook.path.stem)
def test_what_it_says_to_type_works(place, postgres, runbook) -> None:
    """Its drills end with 0, and its statements are answered."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for drill in runbook.drills:
        shell = ["bash", "-ec", drill.script]
        done = subprocess.run(
            shell, cwd=place, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, drill.script + done.stderr
        assert done.stdout
    with psycopg2.connect(postgres.direct_dsn) as connection, connection.cursor() as cursor:
        for statements in SQL.findall(runbook.path.read_text(encoding="utf-8")):
            for statement in statements.split(";\n"):
                cursor.execute(statement or "select")


@pytest.mark.parametrize(
    "page", [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda page: page.stem
)
def test_commands_that_pages_name_are_there(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Subcommands and their options."""
    for words in COMMAND.findall(page.read_text(encoding="utf-8")):
        name, *arguments = shlex.split(words)
        if name.startswith("-") or not name.islower():
            continue
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        known = capsys.readouterr().out
        assert ended.value.code == 0, f"there is no command {name}"
        assert [one for one in arguments if one.startswith("--") and one.partition("=")[0] not in known] == []
