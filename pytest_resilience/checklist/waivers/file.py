"""Reads `resilience-waivers.toml`, and complains about everything in it at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.position import Complaint, Position
from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.checklist.waivers.lines import Lines
from pytest_resilience.checklist.waivers.waiver import LONGEST, Waiver
from pytest_resilience.errors import HarnessError

REQUIRED = ("item", "reason", "owner", "approver", "expires")
KEYS = (*REQUIRED, "subject")
_AT = re.compile(r"\(at line (\d+), column (\d+)\)")


class WaiverError(HarnessError):
    """Say what is wrong in a file of waivers: none of them counts until it is right.

    Args:
        complaints: all of it.
    """

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__("\n".join(map(str, complaints)))
        self.complaints = complaints


def read_waivers(file: Path, *, today: date | None = None) -> tuple[Waiver, ...]:
    """Return the waivers of a file, expired ones too; none where there is no file.

    Args:
        file: the TOML file.
        today: from which the longest time until expiry counts; the day it is in UTC by default.

    Raises:
        WaiverError: something in it is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        return ()
    except tomllib.TOMLDecodeError as error:
        raise WaiverError((_syntax(file, str(error)),)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise WaiverError((Complaint(Position(file, 1, 1), f"cannot be read: {error}"),)) from error
    return _Reader(file, Lines(text), today or datetime.now(UTC).date()).read(data)


def _syntax(file: Path, message: str) -> Complaint:
    at = _AT.search(message)
    line, column = (int(at[1]), int(at[2])) if at else (1, 1)
    return Complaint(Position(file, line, column), f"this is not TOML: {_AT.sub('', message).strip()}")


@dataclass(slots=True)
class _Reader:
    file: Path
    lines: Lines
    today: date

    def read(self, data: dict[str, Any]) -> tuple[Waiver, ...]:
        complaints = list(self._top(data))
        entries = data.get("waiver", [])
        tables = entries if isinstance(entries, list) else []
        for index, entry in enumerate(tables):
            complaints += self._entry(index, entry)
        complaints += self._twice(tables)
        if complaints:
            raise WaiverError(tuple(sorted(complaints, key=lambda each: each.position.line)))
        return tuple(self._waiver(index, entry) for index, entry in enumerate(tables))

    def _top(self, data: dict[str, Any]) -> Iterator[Complaint]:
        for key in data:
            if key != "waiver":
                place = self.lines.top(key)
                yield Complaint(Position(self.file, *place), f"unknown key {key!r}: write [[waiver]]")
        if not isinstance(data.get("waiver", []), list):
            place = self.lines.top("waiver")
            yield Complaint(Position(self.file, *place), "[waiver] is one table: write [[waiver]] for each")

    def _entry(self, index: int, entry: Any) -> Iterator[Complaint]:
        if not isinstance(entry, dict):
            yield self._complaint(index, None, f"a waiver is a table, not {entry!r}")
            return
        for key in set(entry) - set(KEYS):
            yield self._complaint(index, key, f"unknown key {key!r}: {nearest(key, KEYS)}")
        for key in (key for key in REQUIRED if key not in entry):
            yield self._complaint(index, None, f"{key} is missing: {_MEANING[key]}")
        for key, judge in self._judges().items():
            if key in entry and (message := judge(entry[key])):
                yield self._complaint(index, key, message)
        owner, approver = entry.get("owner"), entry.get("approver")
        if _same_person(owner, approver):
            yield self._complaint(
                index, "approver", f"approver {approver!r} is the owner: somebody else has to agree"
            )

    def _judges(self) -> dict[str, Callable[[Any], str | None]]:
        texts = {
            key: lambda value, key=key: _text(key, value)
            for key in ("subject", "reason", "owner", "approver")
        }
        return {"item": _item, **texts, "expires": self._expires}

    def _expires(self, value: Any) -> str | None:
        day = _day(value)
        if day is None:
            return f"expires is {value!r}: write a date such as {self.today + timedelta(days=30)}"
        if (day - self.today).days > LONGEST:
            last = self.today + timedelta(days=LONGEST)
            return f"expires is {day}: at most {LONGEST} days ahead, so {last} at the latest"
        return None

    def _twice(self, tables: list[Any]) -> Iterator[Complaint]:
        seen: dict[tuple[Any, Any], int] = {}
        for index, entry in enumerate(tables):
            if not isinstance(entry, dict) or not isinstance(entry.get("item"), str):
                continue
            about = (entry["item"], repr(entry.get("subject")))
            if about in seen:
                first = self.lines.entry(seen[about])[0]
                yield self._complaint(index, None, f"the same item and subject stand at line {first}")
            seen.setdefault(about, index)

    def _complaint(self, index: int, key: str | None, message: str) -> Complaint:
        return Complaint(Position(self.file, *self.lines.entry(index, key)), message)

    def _waiver(self, index: int, entry: dict[str, Any]) -> Waiver:
        day = _day(entry["expires"])
        assert day is not None  # noqa: S101 - it was judged
        texts = {key: entry[key].strip() for key in ("item", "reason", "owner", "approver")}
        line = self.lines.entry(index)[0]
        return Waiver(**texts, subject=entry.get("subject"), expires=day, place=f"{self.file.name}:{line}")


_MEANING = {
    "item": f"one of {', '.join(item.id for item in ITEMS)}",
    "reason": "why the finding is accepted for now",
    "owner": "who answers for it",
    "approver": "who agreed, another than the owner",
    "expires": f"a date, at most {LONGEST} days ahead",
}


def _item(value: Any) -> str | None:
    known = [item.id for item in ITEMS]
    if value in known:
        return None
    return f"item is {value!r}: {nearest(str(value), known)}"


def _text(key: str, value: Any) -> str | None:
    if isinstance(value, str) and value.strip():
        return None
    return f"{key} is {value!r}: write some text"


def _day(value: Any) -> date | None:
    """Return a date that stands as one, with a time, or as text."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            return None
    return value if isinstance(value, date) else None


def _same_person(one: Any, other: Any) -> bool:
    if not isinstance(one, str) or not isinstance(other, str) or not one.strip():
        return False
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()
