"""Scenario files: which files are some, and what they say; all that is wrong is reported at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.position import Complaint, Position
from pytest_resilience.chaos.scenario.error import ScenarioFileError
from pytest_resilience.chaos.scenario.model import Scenario
from pytest_resilience.chaos.scenario.page import Page
from pytest_resilience.chaos.scenario.reading import KEYS, read_scenario
from pytest_resilience.chaos.scenario.yaml_nodes import (
    Document,
    MappingNode,
    Node,
    SequenceNode,
    read_document,
)

SUFFIX = ".yaml"
_SUFFIXES = frozenset({SUFFIX, ".yml"})
"""Of files that are looked into, in any case of letters: what is no `.yaml` is told to be renamed."""
_FOREIGN = frozenset({"__pycache__", "node_modules", "site-packages", "resilience-report"})
LARGEST = 256 * 1024
"""Bytes of a file; a scenario has a few hundred."""

_MARKS = ("scenario", "workload", "faults")
_WORDS = re.compile(rb"\b(scenario|workload|faults)\b", re.IGNORECASE)


def read_scenarios(
    folder_or_files: Path | str | Iterable[Path | str], configuration: Configuration
) -> tuple[Scenario, ...]:
    """Return the scenarios of a folder and the folders below it, or of some files, in the order of their paths.

    YAML files that are no scenarios are passed over; a folder that is not there has none.

    Raises:
        ScenarioFileError: files are broken; all that is wrong in all of them.
    """
    read = [_read_file(file, configuration) for file in scenario_files(folder_or_files)]
    complaints = [complaint for _, found in read for complaint in found]
    if complaints:
        raise ScenarioFileError(complaints)
    return tuple(scenario for scenario, _ in read if scenario is not None)


def is_scenario(path: Path | str) -> bool:
    """Tell whether a file is a scenario, or tries to be one: whether reading it yields one, or complaints."""
    if not _may_be_scenario(path) or Path(path).is_dir():
        return False
    document, complaints = _document(Path(path))
    return bool(complaints) or document is None or _is_meant(document)


def scenario_files(folder_or_files: Path | str | Iterable[Path | str]) -> list[Path]:
    """Return the files that may be scenarios; hidden folders, packages and links to folders are left out."""
    if not isinstance(folder_or_files, Path | str):
        return sorted({file for path in folder_or_files for file in scenario_files(path)})
    path = Path(folder_or_files)
    if not path.is_dir():
        return [path] if path.suffix or path.exists() else []
    found: list[Path] = []
    for folder, below, names in os.walk(path):
        below[:] = [name for name in below if not _is_foreign(Path(folder, name))]
        found += [Path(folder, name) for name in names if _may_be_scenario(name)]
    return sorted(found)


def _may_be_scenario(path: Path | str) -> bool:
    return Path(path).suffix.lower() in _SUFFIXES


def _is_foreign(folder: Path) -> bool:
    """Whether a folder holds what others have written: packages, and what is made."""
    return folder.name.startswith(".") or folder.name in _FOREIGN or (folder / "pyvenv.cfg").exists()


def _read_file(file: Path, configuration: Configuration) -> tuple[Scenario | None, list[Complaint]]:
    document, complaints = _document(file)
    if document is None or complaints or not _is_meant(document):
        return None, complaints
    page = Page(configuration)
    scenario = _read_root(page, document, file)
    return scenario, _sorted(document.complaints, page.complaints)


def _sorted(of_grammar: list[Complaint], of_meaning: list[Complaint]) -> list[Complaint]:
    """What is no grammar has no meaning either: that is said once."""
    places = {complaint.position for complaint in of_grammar}
    complaints = [*of_grammar, *(one for one in of_meaning if one.position not in places)]
    return sorted(complaints, key=lambda complaint: (complaint.position.line, complaint.position.column))


def _read_root(page: Page, document: Document, file: Path) -> Scenario | None:
    if file.suffix != SUFFIX:
        page.complain(
            Position(file, 1, 1), f"scenario files end in {SUFFIX}: rename it to {file.stem}{SUFFIX}"
        )
    above = page.configuration.folder
    if file.is_symlink() and not file.resolve().is_relative_to(above.resolve()):
        page.complain(
            Position(file, 1, 1), f"this is a link that leads out of {above}: put the file itself here"
        )
    if len(document.roots) > 1:
        page.complain(
            document.roots[1].position, "a file holds one scenario: put this one in a file of its own"
        )
    root = next(root for root in document.roots if _marks(root))
    if isinstance(root, SequenceNode):
        page.complain(root.position, "a file holds one scenario, as a mapping: take the `- ` away")
    elif isinstance(root, MappingNode) and root.get("scenario") is None:
        hint = nearest("scenario", [key for key in root.keys if key not in KEYS])
        page.complain(
            root.position,
            f"this looks like a scenario, and has no key 'scenario' with its sentence; {_only_hint(hint)}",
        )
    elif isinstance(root, MappingNode):
        return read_scenario(page, root, file)
    return None


def _only_hint(hint: str) -> str:
    meant = re.match(r"did you mean (?P<key>.+?)\? ", hint)
    return (
        f"is it the one that is written {meant['key']}?" if meant else "begin the file with `scenario: ...`"
    )


def _document(file: Path) -> tuple[Document | None, list[Complaint]]:
    """Return what the file holds, or why that could not be read."""
    start = Position(file, 1, 1)
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        return None, [Complaint(start, f"this file cannot be read: {error.strerror or error}")]
    if len(data) > LARGEST:
        return _too_large(file, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return None, [Complaint(Position(file, line, column), "this is no UTF-8: save the file as UTF-8")]
    document = read_document(text, file)
    return document, document.complaints if document.is_broken else []


def _too_large(file: Path, data: bytes) -> tuple[Document, list[Complaint]]:
    message = f"this is larger than {LARGEST // 1024} KiB: no scenario is"
    return Document(), [Complaint(Position(file, 1, 1), message)] if _WORDS.search(data) else []


def _is_meant(document: Document) -> bool:
    return any(_marks(root) for root in document.roots)


def _marks(root: Node) -> bool:
    """Whether a document is a scenario, or a misspelled one: two keys that are nearly its own are no chance."""
    if isinstance(root, SequenceNode):
        return any(isinstance(item, MappingNode) and item.get("scenario") is not None for item in root.items)
    if not isinstance(root, MappingNode):
        return False
    keys = [key.casefold() for key in root.keys]
    near = [key for key in keys if get_close_matches(key, _MARKS, n=1, cutoff=0.8)]
    return any(key in _MARKS for key in keys) or len(near) > 1
