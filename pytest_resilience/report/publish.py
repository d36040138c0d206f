"""Writes a report in all its forms: the one place that gives anything out, and only without secrets."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_resilience.errors import HarnessError
from pytest_resilience.report.attestation import to_statement
from pytest_resilience.report.declared import declarations
from pytest_resilience.report.folder import write_files
from pytest_resilience.report.github import write_summary
from pytest_resilience.report.html import to_html
from pytest_resilience.report.json_form import to_text
from pytest_resilience.report.model import Report
from pytest_resilience.report.sarif import to_sarif
from pytest_resilience.report.scrub import scrubbed, scrubber


class NotWrittenError(HarnessError):
    """Say that a report could not be written, and keep it: its verdict can still be shown.

    Args:
        why: in words.
        report: without secrets.
    """

    def __init__(self, why: str, report: Report) -> None:
        super().__init__(why)
        self.report = report


def publish(
    report: Report,
    folder: Path,
    *,
    secrets: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
    found: Mapping[str, str] | None = None,
) -> Report:
    """Write the report into a folder, and on GitHub into the step's summary; return it without secrets.

    Args:
        report: as it was put together.
        folder: made where there is none; what a run before left there is replaced, or removed.
        secrets: known ones: canaries, passwords, routing keys.
        environment: where it runs; the process's own by default.
        found: scenario files that exploration has made, by name; they go into `found/`.

    Whatever else is shown of the report, in the terminal or in JUnit files, is made from what this returns.

    Raises:
        NotWrittenError: the folder cannot be written.
    """
    environment = os.environ if environment is None else environment
    secrets = tuple(secrets)
    clean = scrubbed(report, secrets)
    text = to_text(clean)
    statement = to_statement(clean, text, url=_url(environment))
    contents = {
        "report.json": text,
        "index.html": to_html(clean),
        "report.sarif": _json(to_sarif(clean, declarations(clean, folder.parent, Path.cwd()))),
        "attestation.json": None if statement is None else _json(statement),
    }
    write_summary(clean, environment)
    try:
        write_files(folder, contents)
        if found:
            scrub = scrubber(secrets)
            write_files(folder / "found", {name: scrub(text) for name, text in found.items()})
    except HarnessError as error:
        raise NotWrittenError(str(error), clean) from error
    return clean


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _url(environment: Mapping[str, str]) -> str | None:
    """Return where this run can be seen."""
    server, repository, run = (
        environment.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return environment.get("CI_JOB_URL") or environment.get("BUILD_URL")
