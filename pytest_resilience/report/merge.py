"""Joins the reports of all shards into one, and judges it: what no shard may do alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.report.answer import INTERRUPTED
from pytest_resilience.report.json_form import ReportError
from pytest_resilience.report.judged import evidence_of, judged
from pytest_resilience.report.model import Coverage, Report

T = TypeVar("T")
_SAME = ("commit", "dirty", "seed", "configuration", "time_scale")


def merged(shards: Mapping[str, Report], *, today: date) -> Report:
    """Return the report of all shards together; a missing shard leaves every item unproven.

    Args:
        shards: by where each was read, for messages.
        today: the day on which waivers have to hold.

    Raises:
        ReportError: they do not belong together: other commits, seeds or configurations, one twice, none a shard.
    """
    complaints = [*_not_shards(shards), *_differing(shards), *_twice(shards), *_half_asked(shards)]
    if not shards:
        complaints = ["there is no report: name the folders of the shards"]
    if complaints:
        raise ReportError("these reports cannot be joined: " + "; ".join(complaints))
    reports = sorted(shards.values(), key=lambda report: report.shard.index if report.shard else 0)
    first = reports[0]
    return judged(
        _unique(each for report in reports for each in evidence_of(report)),
        today=today,
        mode="gate" if any(report.gate.mode == "gate" for report in reports) else "warn",
        asked=first.gate.asked,
        started=min(report.started for report in reports),
        seed=first.seed,
        **{name: getattr(first, name) for name in _SAME if name != "seed"},
        **_joined(reports),
    )


def _joined(reports: Sequence[Report]) -> dict[str, Any]:
    def all_of(field: Callable[[Report], Iterable[T]]) -> tuple[T, ...]:
        return tuple(_unique(each for report in reports for each in field(report)))

    return {
        "engines": {name: engine for report in reports for name, engine in report.engines.items()},
        "versions": {name: version for report in reports for name, version in report.versions.items()},
        "scenarios": all_of(lambda report: report.scenarios),
        "found": all_of(lambda report: report.found),
        "runs": all_of(lambda report: report.runs),
        "waivers": all_of(lambda report: report.waivers),
        "notes": all_of(lambda report: report.notes),
        "coverage": _coverage(reports),
        "duration": sum(report.duration for report in reports),
        "left_out": _left_out(reports),
        "not_run": _not_run(reports),
        "tests": dict(sum((Counter(dict(report.tests)) for report in reports), Counter())),
    }


def _coverage(reports: Sequence[Report]) -> Coverage:
    """Return all points, which every shard knows, and what each shard did with its own part of them."""
    return Coverage(
        points=max(report.coverage.points for report in reports),
        exercised=sum(report.coverage.exercised for report in reports),
        survived=sum(report.coverage.survived for report in reports),
    )


def _left_out(reports: Sequence[Report]) -> dict[str, tuple[str, ...]]:
    lost = _missing(reports)
    reasons = {item.id: tuple(_unique([*lost, *_left_out_of(item.id, reports)])) for item in ITEMS}
    return {name: theirs for name, theirs in reasons.items() if theirs}


def _missing(reports: Sequence[Report]) -> list[str]:
    shards = [report.shard for report in reports if report.shard]
    count = max(shard.count for shard in shards)
    missing = sorted(set(range(1, count + 1)) - {shard.index for shard in shards})
    names = ", ".join(f"{number}/{count}" for number in missing)
    return [f"the report of shard {names} is missing"] if missing else []


def _left_out_of(item: str, reports: Sequence[Report]) -> list[str]:
    """Return why a part of an item ran in no shard; what a shard left to the others is no reason."""
    if not any(report.not_run for report in reports):
        return [reason for report in reports for reason in report.left_out.get(item, ())]
    nowhere = _not_run(reports).get(item, ())
    more = f" and {len(nowhere) - 1} more" if len(nowhere) > 1 else ""
    return [*_ended_early(item, reports), *([f"{min(nowhere)}{more} ran in no shard"] if nowhere else [])]


def _ended_early(item: str, reports: Sequence[Report]) -> Iterator[str]:
    """Yield which shards cannot be believed to have run their part: one that was interrupted may not know its part."""
    for report in reports:
        if report.shard and any(INTERRUPTED in reason for reason in report.left_out.get(item, ())):
            yield f"shard {report.shard.index}/{report.shard.count} was interrupted"


def _not_run(reports: Sequence[Report]) -> dict[str, tuple[str, ...]]:
    by_item = {
        item.id: set.intersection(*(set(report.not_run.get(item.id, ())) for report in reports))
        for item in ITEMS
    }
    return {name: tuple(sorted(ids)) for name, ids in by_item.items() if ids}


def _not_shards(shards: Mapping[str, Report]) -> Iterator[str]:
    for place, report in shards.items():
        if report.shard is None:
            yield f"{place} is no shard: make it with --chaos-shard=I/N"
        elif report.shard.index > report.shard.count:
            yield f"{place} is shard {report.shard.index} of {report.shard.count}"


def _half_asked(shards: Mapping[str, Report]) -> Iterator[str]:
    asked = {place for place, report in shards.items() if report.gate.asked}
    if asked and len(asked) < len(shards):
        for place in shards.keys() - asked:
            yield f"{place} judges nothing, and others do: make it with --checklist"


def _differing(shards: Mapping[str, Report]) -> Iterator[str]:
    for name in _SAME:
        values = {place: getattr(report, name) for place, report in shards.items()}
        if len(set(values.values())) > 1:
            yield f"{name} differs: {', '.join(f'{place} has {value}' for place, value in values.items())}"
    counts = {report.shard.count for report in shards.values() if report.shard}
    if len(counts) > 1:
        yield f"they are parts of {' and of '.join(map(str, sorted(counts)))}"


def _twice(shards: Mapping[str, Report]) -> Iterator[str]:
    places: dict[int, list[str]] = {}
    for place, report in shards.items():
        if report.shard:
            places.setdefault(report.shard.index, []).append(place)
    for index, same in places.items():
        if len(same) > 1:
            yield f"shard {index} is there {len(same)} times: {', '.join(same)}"


def _unique(each: Iterable[T]) -> list[T]:
    """Return what differs, in order: every shard reads the same code and the same runbooks."""
    seen: list[T] = []
    known: set[str] = set()
    for one in each:
        key = repr(one)
        if key not in known:
            known.add(key)
            seen.append(one)
    return seen
