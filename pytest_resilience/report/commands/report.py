"""Render a report.json again: as text, as a page, or for other tools."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from pytest_resilience.errors import HarnessError
from pytest_resilience.report.declared import declarations
from pytest_resilience.report.folder import write_file
from pytest_resilience.report.git import below_root
from pytest_resilience.report.github import summary, workflow_commands
from pytest_resilience.report.html import to_html
from pytest_resilience.report.json_form import read_report
from pytest_resilience.report.junit import junit_properties
from pytest_resilience.report.model import Report
from pytest_resilience.report.sarif import to_sarif
from pytest_resilience.report.scrub import scrubbed
from pytest_resilience.report.terminal import render_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a report.json, or the folder that has one")
    parser.add_argument("--format", choices=tuple(FORMS), help="what is printed; text by default")
    parser.add_argument("--html", metavar="OUT", type=Path, help="write the page to this file")


def run(arguments: argparse.Namespace) -> int:
    """Print one form of the report, or write its page, and return 0."""
    report = scrubbed(read_report(arguments.file))
    if arguments.html is not None:
        try:
            write_file(arguments.html, to_html(report))
        except OSError as error:
            raise HarnessError(f"{arguments.html} cannot be written: {error}; name another file") from error
    if arguments.format is not None or arguments.html is None:
        sys.stdout.write(FORMS[arguments.format or "text"](report))
    return 0


def _text(report: Report) -> str:
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return render_text(report, width=shutil.get_terminal_size().columns, color=color)


def _sarif(report: Report) -> str:
    return json.dumps(to_sarif(report, declarations(report, Path.cwd())), indent=1) + "\n"


def _junit(report: Report) -> str:
    from xml.etree import ElementTree as ET  # noqa: PLC0415 - written, never read

    suite = ET.Element("testsuite", name="resilience")
    properties = ET.SubElement(suite, "properties")
    for name, value in junit_properties(report):
        clean = "".join(letter if letter.isprintable() else " " for letter in value)
        ET.SubElement(properties, "property", name=name, value=clean)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode") + "\n"


def _github(report: Report) -> str:
    return summary(report) + workflow_commands(report, prefix=below_root(Path.cwd()))


FORMS: dict[str, Callable[[Report], str]] = {
    "text": _text,
    "html": to_html,
    "sarif": _sarif,
    "junit": _junit,
    "github": _github,
}
