"""report.json: a report as JSON, and back."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, cast

from pytest_resilience.checklist.items import item
from pytest_resilience.checklist.verdict import Evidence, Verdict
from pytest_resilience.errors import HarnessError
from pytest_resilience.report.model import Report
from pytest_resilience.report.typed import ShapeError, typed

SCHEMA = "pytest-resilience/report/1"
_TEXTS = ("why", "fix", "replay")


class ReportError(HarnessError):
    """Say that a file is not a report that can be read."""


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as report.json has it."""
    data = {each.name: getattr(report, each.name) for each in fields(report) if each.name != "items"}
    return {"schema": SCHEMA, **_plain(data), "items": [_item(verdict) for verdict in report.items]}


def to_text(report: Report) -> str:
    """Return the content of report.json: to be read by people, but for the runs, which are a line each."""
    data = to_json(report)
    runs = data.pop("runs")
    lines = ",\n".join(f"  {json.dumps(run, ensure_ascii=False, separators=(',', ':'))}" for run in runs)
    rest = json.dumps(data, indent=1, ensure_ascii=False)
    return f'{rest.removesuffix("}").rstrip()},\n "runs": [\n{lines}\n ]\n}}\n'


def from_json(data: Any) -> Report:
    """Return the report that `to_json` was given.

    Raises:
        ReportError: this is no such report; the message says where it differs.
    """
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, Mapping) else type(data).__name__
        raise ReportError(f"this is no report of the form {SCHEMA!r}: its schema is {found!r}")
    try:
        items = [_verdict(each) for each in data.get("items", [])]
        return typed(Report, {**data, "items": items})
    except (ShapeError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(f"the report is damaged: {error}") from error


def read_report(file: Path) -> Report:
    """Return the report in a file, or in the report.json of a folder.

    Raises:
        ReportError: there is none, or it is damaged.
    """
    path = file / "report.json" if file.is_dir() else file
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ReportError(f"{path} is not there: name a report.json, or the folder that has one") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ReportError(f"{path} cannot be read: {error}") from error
    except ReportError as error:
        raise ReportError(f"{path}: {error}") from error


def _item(verdict: Verdict) -> dict[str, Any]:
    known = item(verdict.item)
    return {
        "id": known.id,
        "number": known.number,
        "title": known.title,
        "verdict": verdict.word,
        **{key: getattr(verdict, key) or None for key in _TEXTS},
        "evidence": [_evidence(each) for each in verdict.evidence],
        "waiver": _plain(verdict.waiver),
        "waivers": _plain(verdict.waivers),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    data = _plain(evidence)
    del data["item"]
    return {**data, **{key: data[key] or None for key in _TEXTS}}


def _verdict(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item of report.json as the fields of a verdict."""
    item(data["id"])  # else KeyError
    evidence = [{**_without_none(each), "item": data["id"]} for each in data.get("evidence", [])]
    fields = {**_without_none(data), "item": data["id"], "evidence": evidence}
    fields["word"] = fields.pop("verdict", None)
    return fields


def _without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def _plain(data: Any) -> Any:
    """Return what JSON knows: objects for dataclasses, lists for tuples, text for dates and whatever else."""
    if data is None or isinstance(data, str | int):
        return data
    if isinstance(data, float):
        return data if isfinite(data) else None
    if isinstance(data, list | tuple):
        return [_plain(each) for each in data]
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if is_dataclass(data):
        return {name: _plain(getattr(data, name)) for name in _names(cast("Hashable", type(data)))}
    return str(data)


@cache
def _names(kind: Hashable) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cast("Any", kind)))
