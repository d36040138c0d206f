"""A report as data: all that a run of the checklist says, before it is written in any form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pytest_resilience.checklist.verdict import Verdict
from pytest_resilience.checklist.waivers.waiver import Waiver
from pytest_resilience.report.timeline import Timeline

Mode: TypeAlias = Literal["gate", "warn"]
ScenarioWord: TypeAlias = Literal["passed", "failed", "unproven", "not-applicable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Whether a deploy may go on.

    Args:
        passed: whether every item is passed, waived or not applicable, and something was tried.
        mode: `gate` fails the run where it is not passed, `warn` only says so.
        deferred: whether this is a shard, so that only all shards together are judged.
        asked: whether the checklist was asked for; else the items say little, and nothing attests them.
        why: what stops it, one reason each.
    """

    passed: bool
    mode: Mode = "gate"
    deferred: bool = False
    asked: bool = True
    why: tuple[str, ...] = ()

    @property
    def word(self) -> Literal["passed", "failed", "deferred", "not judged"]:
        """The gate's state in a word."""
        if not self.asked:
            return "not judged"
        if self.deferred:
            return "deferred"
        return "passed" if self.passed else "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One firing of a fault: when, on which connection, at which message."""

    at: float
    connection: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultLine:
    """One fault of a scenario with its receipts; none where it never fired."""

    on: str | None
    kind: str
    fired: tuple[Fired, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioVerdict:
    """What is said of one scenario.

    Args:
        id: its file below the scenarios' folder.
        verdict: as for items.
        why: the reason; none where it passed.
        replay: the command that runs it alone.
        faults: with their receipts.
    """

    id: str
    verdict: ScenarioWord
    why: str | None = None
    replay: str | None = None
    faults: tuple[FaultLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many fault points there are, how many had a fault, and how many of those were survived."""

    points: int = 0
    exercised: int = 0
    survived: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A scenario file that exploration wrote because the workload did not survive it."""

    file: str
    why: str
    replay: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Which part of the run this is, of how many; counts from 1."""

    index: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one run says.

    Args:
        started: when, ISO 8601 with the offset.
        seed: that everything random followed from.
        engines: engine and version of each service.
        gate: whether a deploy may go on.
        items: the verdict of each item.
        scenarios: the verdict of each scenario.
        coverage: of the fault points.
        found: what exploration found.
        runs: a time line for each run.
        duration: real seconds of it all.
        commit: the full hash of the git commit; none without git.
        dirty: whether the tree differs from the commit; none without git.
        time_scale: how much faster waits ran.
        versions: of the project, Python, pytest and others.
        configuration: SHA-256 of the configuration, so that shards can be told to belong together.
        shard: which part this is; none for a whole run.
        waivers: as read, so that joined shards can be judged again.
        unused_waivers: those that cover nothing, in words.
        left_out: by item, why a part of its experiments did not run.
        not_run: by item, the ids of experiments that did not run here; joined shards find in it what no shard ran.
        tests: how many pytest tests passed, failed, ...
        notes: what else a reader has to know.
    """

    started: str
    seed: int
    engines: Mapping[str, str] = field(default_factory=dict)
    gate: Gate
    items: tuple[Verdict, ...]
    scenarios: tuple[ScenarioVerdict, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    found: tuple[Found, ...] = ()
    runs: tuple[Timeline, ...] = ()
    duration: float = 0.0
    commit: str | None = None
    dirty: bool | None = None
    time_scale: float = 1.0
    versions: Mapping[str, str] = field(default_factory=dict)
    configuration: str | None = None
    shard: Shard | None = None
    waivers: tuple[Waiver, ...] = ()
    unused_waivers: tuple[str, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_run: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tests: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
