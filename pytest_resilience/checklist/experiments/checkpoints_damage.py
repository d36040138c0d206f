"""Files that a workload wrote, damaged between its kill and its restart."""

from __future__ import annotations

import filecmp
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.checklist.experiments.checkpoints_kill import ITEM, Resumed
from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.judges import checkpoints
from pytest_resilience.checklist.judges.deliveries import undelivered
from pytest_resilience.checklist.verdict import Evidence

MOST_FILES = 6
"""Files that are damaged, the first ones by name."""
NO_CHECKPOINTS = ("__pycache__", "resilience-report", ".git")
Bytes: TypeAlias = Callable[[bytes], bytes]


def flipped(content: bytes) -> bytes:
    """Return it with single bits flipped: it still reads well, and its numbers are larger, or smaller."""
    digits = [place for place, byte in enumerate(content) if 48 <= byte <= 57]
    places = [place for place in digits if content[place] % 2 == 0] or digits or [len(content) // 2]
    damaged = bytearray(content)
    for place in places:
        damaged[place] ^= 1
    return bytes(damaged)


DAMAGES: dict[str, Bytes] = {
    "with flipped bits": flipped,
    "cut in half": lambda content: content[: len(content) // 2],
    "emptied": lambda content: content[:0],
}


@dataclass(slots=True)
class BetweenStarts:
    """What happens to files when the first start of a workload has ended.

    Args:
        original: the configuration's folder, whose files the workload did not write.
        log: the file of the workload's log.
        path: the file that is damaged, relative to the working folder; none damages nothing.
        damage: how.
    """

    original: Path
    log: str
    path: str | None = None
    damage: Bytes = flipped
    written: tuple[str, ...] = ()
    hit: bool = False

    def ended(self, number: int, folder: Path) -> None:
        """Look which files were written, and damage the one."""
        if number != 1:
            return
        self.written = tuple(sorted(_written(folder, self.original, self.log)))
        if self.path in self.written:
            file = folder / self.path
            file.write_bytes(self.damage(file.read_bytes()))
            self.hit = True


def _written(folder: Path, original: Path, log: str) -> Iterator[str]:
    """Yield the files that are new or changed, and have something in them."""
    for file in folder.rglob("*"):
        path = file.relative_to(folder)
        ours = path.as_posix() == log or any(part in NO_CHECKPOINTS for part in path.parts)
        if ours or file.is_symlink() or not file.is_file() or not file.stat().st_size:
            continue
        before = original / path
        if not before.is_file() or not filecmp.cmp(before, file, shallow=False):
            yield path.as_posix()


@dataclass(frozen=True, slots=True)
class DamagedFiles:
    """Damage to each file that is there when the workload is killed in its middle.

    Args:
        resumed: the workload.
        point: where it is killed.
    """

    resumed: Resumed
    point: FaultPoint

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service."""
        return f"{ITEM}::{self.resumed.workload}::{self.resumed.service}::damaged"

    def run(self) -> ExperimentResult:
        """Look which files there are, then damage each in each way."""
        configuration = self.resumed.laboratory.configuration
        undamaged = BetweenStarts(configuration.folder, configuration.logs)
        record, found = self._kill(undamaged, "the files at the kill")
        where = f"killed at {self.point.message} number {self.point.nth}"
        evidence = [self.resumed.judge(record, found, where, self.id)]
        worst: RunRecord | None = None
        for path in undamaged.written[:MOST_FILES]:
            for name, damage in DAMAGES.items():
                between = replace(undamaged, path=path, damage=damage, written=(), hit=False)
                record, _ = self._kill(between, f"{path} {name}")
                if not between.hit:
                    continue
                evidence.append(self._judge(record, f"{path} {name}"))
                worst = worst or (record if evidence[-1].outcome == "failed" else None)
        return result_of(evidence, worst)

    def _kill(self, between: BetweenStarts, title: str) -> tuple[RunRecord, tuple[str, ...]]:
        order = FaultOrder(on=self.point.service, when=self.point.when, kind="kill")
        plan = self.resumed.laboratory.plan(self.resumed.workload, [order], ended=between.ended)
        return self.resumed.run(plan, f"{self.id}: {title}")

    def _judge(self, record: RunRecord, name: str) -> Evidence:
        case = self.resumed.case(self.id)
        if any(process.blocked for process in record.processes):
            why = f"{name} between kill and restart: it never ended"
            return case.failed(
                why, "check what was read before it is used, and stop with words where it is wrong"
            )
        evidence = checkpoints.judge_damaged(
            record,
            clean=self.resumed.clean.record,
            workload=self.resumed.clean.workload,
            service=self.resumed.service,
            name=name,
            undelivered=tuple(undelivered(record, self.resumed.clean)),
            replay=case.replay,
        )
        why = evidence.why and f"{name} between kill and restart: {evidence.why}"
        return replace(evidence, subject=case.subject, why=why)
