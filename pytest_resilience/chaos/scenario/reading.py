"""A scenario from its document, checked against what the team declared."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.item_ids import ITEM_IDS
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.scenario.checks import read_checks
from pytest_resilience.chaos.scenario.expectations import read_expectations
from pytest_resilience.chaos.scenario.fault import read_fault
from pytest_resilience.chaos.scenario.model import FaultOrder, Scenario
from pytest_resilience.chaos.scenario.page import Page, ReadValue, RefusedError
from pytest_resilience.chaos.scenario.values import text, word
from pytest_resilience.chaos.scenario.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode

KEYS = ("scenario", "proves", "runbook", "workload", "steady_state", "faults", "expect")


def read_scenario(page: Page, root: MappingNode, file: Path) -> Scenario | None:
    """Return the scenario; none where something is wrong with it, which is written down."""
    _learn_workload(page, root)
    values = page.fields(root, "a scenario", _readers(page), required=("scenario", "workload", "faults"))
    if root.get("expect") is None and root.get("steady_state") is None:
        page.complain(
            root.position, "a scenario needs 'expect', what has to be true of the run, such as `- exit: 0`"
        )
    if page.complaints:
        return None
    return Scenario(title=values.pop("scenario"), file=file, **values)


def _readers(page: Page) -> dict[str, ReadValue]:
    return {
        "scenario": _read_title,
        "proves": partial(_read_proves, page),
        "runbook": partial(_read_runbook, page),
        "workload": partial(_read_workload, page),
        "steady_state": partial(read_checks, page),
        "faults": partial(_read_faults, page),
        "expect": partial(read_expectations, page),
    }


def _learn_workload(page: Page, root: MappingNode) -> None:
    """The keys may stand in any order, and others are checked against the workload."""
    node = root.get("workload")
    if isinstance(node, ScalarNode):
        page.workload = page.configuration.workloads.get(node.text)


def _read_title(node: Node, name: str) -> str:
    return " ".join(text(node, name).split())


def _read_workload(page: Page, node: Node, name: str) -> str:
    written = text(node, name)
    workloads = page.configuration.workloads
    if written not in workloads:
        hint = nearest(written, workloads) if workloads else "none is declared in the configuration"
        raise RefusedError(node.position, f"{name}: no workload is called {written!r}; {hint}")
    return written


def _read_proves(page: Page, node: Node, name: str) -> tuple[str, ...]:
    found: list[str] = []

    def read(item: Node, called: str) -> None:
        found.append(_item_id(item, called, found))

    page.items(node, name, read)
    return tuple(found)


def _item_id(node: Node, name: str, before: list[str]) -> str:
    number: Any = node.value if isinstance(node, ScalarNode) else None
    if type(number) is int and 1 <= number <= len(ITEM_IDS):
        raise RefusedError(node.position, f"{name}: item {number} is written {ITEM_IDS[number - 1]!r}")
    written: str = word(*ITEM_IDS)(node, name)
    if written in before:
        raise RefusedError(node.position, f"{name} has {written!r} twice")
    return written


def _read_faults(page: Page, node: Node, name: str) -> tuple[FaultOrder, ...]:
    if isinstance(node, SequenceNode) and not node.items:
        raise RefusedError(node.position, f"{name} is an empty list: without a fault nothing is proven")
    return tuple(page.items(node, name, lambda item, _: read_fault(page, item, "a fault")))


def _read_runbook(page: Page, node: Node, name: str) -> str:
    written = text(node, name)
    folder = page.configuration.folder.resolve()
    target = _resolved(folder, written)
    if Path(written).is_absolute() or target is None or not target.is_relative_to(folder):
        raise RefusedError(
            node.position, f"{name} is {written!r}: it is a path below the configuration's folder, {folder}"
        )
    if not target.is_file():
        known = sorted(str(path.relative_to(folder)) for path in _neighbours(target, folder))
        hint = nearest(written, known) if known else "there is no runbook"
        raise RefusedError(node.position, f"{name}: there is no file {written!r} in {folder}; {hint}")
    return written


def _resolved(folder: Path, written: str) -> Path | None:
    try:
        return (folder / written).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, or a name that no file can have
        return None


def _neighbours(target: Path, folder: Path) -> list[Path]:
    try:
        beside = target.parent.glob("*.md") if target.parent.is_dir() else (folder / "runbooks").glob("*.md")
        return list(beside)[:20]
    except OSError:
        return []
